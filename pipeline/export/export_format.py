"""An export format: a name, a function that writes it, and two that read what was written."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Images = NDArray[np.uint8]
    Probabilities = NDArray[np.float32]


@dataclass(frozen=True)
class ExportFormat:
    """One way to write a model. Libraries are imported inside its functions alone.

    ``file_name`` is the name of the file or folder that is written, and ``is_at(path)`` says whether one of this format
    is there. ``write(model_file, target)`` makes ``target`` from a ``.keras`` file with its metadata.

    ``load(target)`` opens it in its own runtime and returns a function from images, uint8 (n, height, width, channels),
    to probabilities, float32 (n, classes). ``metadata(target)`` returns the members of the model's metadata without
    opening it. ``usage`` is a command that uses the target, with ``{path}`` in it.
    """

    name: str
    file_name: str
    is_at: Callable[[Path], bool]
    write: Callable[[Path, Path], None]
    load: "Callable[[Path], Callable[[Images], Probabilities]]"
    metadata: Callable[[Path], dict[str, Any]]
    usage: str
