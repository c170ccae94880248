"""An export format: its name, its files, a function that writes it, and two that read what was written."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import ModelError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Images = NDArray[np.uint8]
    Probabilities = NDArray[np.float32]

IMAGES, PROBABILITIES = "images", "probabilities"
"""The names of the input and the output, where a format has names."""


@dataclass(frozen=True)
class ExportFormat:
    """One way to write a model. Libraries are imported inside its functions alone.

    ``file_name`` is the name of the file or folder that is written, and ``is_at(path)`` says whether one of this format
    is there. ``write(model_file, target, images)`` makes ``target`` from a ``.keras`` file with its metadata; a
    quantised format calibrates with ``images``, those that the network sees, uint8 (n, height, width, channels).

    ``load(target)`` opens it in its own runtime and returns a function from images, uint8 (n, height, width, channels),
    to probabilities, float32 (n, classes). ``metadata(target)`` returns the members of the model's metadata.

    ``pixels`` are the types of the pixels that the target takes, ``any_size`` says whether it takes images of every
    size. An ``exact`` one must give the model's probabilities; another is rounded, and its loss of accuracy is told.
    ``script`` is the file in ``pipeline/export/scripts`` that shows its use. ``modules`` are those that it needs, which
    come with the extra ``extra`` of convtune.
    """

    name: str
    file_name: str
    pixels: str
    script: str
    is_at: Callable[[Path], bool]
    write: "Callable[[Path, Path, Images], None]"
    load: "Callable[[Path], Callable[[Images], Probabilities]]"
    metadata: Callable[[Path], dict[str, Any]]
    any_size: bool = True
    exact: bool = True
    modules: tuple[str, ...] = ()
    extra: str = ""

    @property
    def key(self) -> str:
        """The name as a part of file names, and its key in ``signature.json``: ``litert_int8``."""
        return self.name.replace("-", "_")

    @property
    def missing(self) -> list[str]:
        """The modules that are not installed here."""
        return [module for module in self.modules if find_spec(module) is None]

    def require(self) -> None:
        """Raises ModelError with the command that installs what is missing."""
        if missing := self.missing:
            raise ModelError(
                f"the format {self.name} needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} "
                f"not installed; `pip install 'convtune[{self.extra}]'` brings what it needs"
            )
