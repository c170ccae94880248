"""An export format: its name, its files, a function that writes it, and two that read what was written."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import ModelError

if TYPE_CHECKING:
    from pipeline.arrays import Images, Probabilities

IMAGES, PROBABILITIES = "images", "probabilities"
"""The names of the input and the output, where a format has names."""


FORMAT = "convtune_format"
"""The name under which a file says its format, where several formats have such files."""


@dataclass(frozen=True)
class ExportFormat:
    """One way to write a model. Libraries are imported inside its functions alone.

    ``file_name`` is the name of the file or folder that is written, and ``is_at(path)`` says whether one of this format
    is there. ``write(model_file, target, images)`` makes ``target`` from a ``.keras`` file with its metadata; only a
    ``calibrated`` format looks at ``images``, those that the network sees, uint8 (n, height, width, channels).

    ``load(target)`` opens it in its own runtime and returns a function from images (n, height, width, channels), uint8
    or of one of the ``pixel_types``, to probabilities, float32 (n, classes). ``metadata(target)`` returns the members
    of the model's metadata. Where several formats have such files, ``stored_name(target)`` reads which one it is.

    ``pixel_types`` are those that the target itself takes, 0 to 255; ``any_size`` says whether it takes images of every
    size, and pixels from 0 to 1 where they are float32. An ``exact`` one must give the model's probabilities; another
    is rounded, and its loss of accuracy is told.
    ``script`` is the file in ``pipeline/export/scripts`` that shows its use. ``runtime`` are the modules that run it,
    ``converter`` those that write it besides; both come with the extra ``extra`` of convtune.
    """

    name: str
    file_name: str
    pixel_types: tuple[str, ...]
    script: str
    is_at: Callable[[Path], bool]
    write: "Callable[[Path, Path, Images], None]"
    load: "Callable[[Path], Callable[[Images], Probabilities]]"
    metadata: Callable[[Path], dict[str, Any]]
    any_size: bool = True
    exact: bool = True
    calibrated: bool = False
    stored_name: Callable[[Path], str] | None = None
    runtime: tuple[str, ...] = ()
    converter: tuple[str, ...] = ()
    extra: str = ""

    @property
    def key(self) -> str:
        """The name as a part of file names, and its key in ``signature.json``: ``litert_int8``."""
        return self.name.replace("-", "_")

    @property
    def pixels(self) -> str:
        """The types of the pixels in words: ``uint8 or float32``."""
        return " or ".join(self.pixel_types)

    @property
    def takes_fractions(self) -> bool:
        """Whether pixels may go from 0 to 1, which a layer before the resizing knows by their fractions."""
        return self.any_size and "float32" in self.pixel_types

    def missing(self, to_write: bool = False) -> list[str]:
        """The modules for running it, or for writing it too, that are not installed here."""
        needed = (*self.runtime, *(self.converter if to_write else ()))
        return [module for module in needed if find_spec(module) is None]

    def require(self, to_write: bool = False) -> None:
        """Raises ModelError with the command that installs what is missing for running it, or for writing it too."""
        if missing := self.missing(to_write):
            raise ModelError(
                f"the format {self.name} needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} "
                f"not installed; `pip install 'convtune[{self.extra}]'` brings what it needs"
            )
