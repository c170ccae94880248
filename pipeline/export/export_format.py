"""An export format: a name, a function that writes it, and one that runs the written file."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Images = NDArray[np.uint8]
    Probabilities = NDArray[np.float32]


@dataclass(frozen=True)
class ExportFormat:
    """One way to write a model. Libraries are imported inside ``write`` and ``run`` alone.

    ``file_name`` is the name of the file or folder that is written. ``write(model_file, target)`` makes ``target`` from
    a ``.keras`` file with its metadata. ``run(target, images)`` loads ``target`` in its own runtime and returns the
    probabilities, float32 (n, classes), of images uint8 (n, height, width, channels). ``usage`` is a command that uses
    the target, with ``{path}`` in it.
    """

    name: str
    file_name: str
    write: Callable[[Path, Path], None]
    run: "Callable[[Path, Images], Probabilities]"
    usage: str
