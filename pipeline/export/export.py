"""Writes a model in other formats and runs what it wrote. Runs in a worker, under Keras's TensorFlow backend."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import ModelError, first_line
from pipeline.executors import Progress
from pipeline.export.export_format import ExportFormat
from pipeline.export.formats import FORMATS
from pipeline.export.labels import write_labels
from pipeline.files import replacing
from pipeline.study.model_metadata import read_metadata

if TYPE_CHECKING:
    from pipeline.export.export_format import Images, Probabilities

TOLERANCE = 1e-4
"""The largest allowed difference between a probability of the model and the same one of what was written."""


@dataclass(frozen=True)
class ExportResult:
    """One file or folder that was written. ``difference`` is the largest between a probability and the original's."""

    format: str
    path: Path
    bytes: int
    difference: float


def make_noise(shape: tuple[int, int, int]) -> "list[Images]":
    """Batches to compare on: 8 images of random pixels of ``shape`` (height, width, channels), 3 of another size."""
    import numpy as np

    height, width, channels = shape
    random = np.random.default_rng(0)
    sizes = ((8, height, width, channels), (3, height + 5, 2 * width + 3, channels))
    return [random.integers(0, 256, size, np.uint8) for size in sizes]


def export(
    model_file: Path,
    folder: Path,
    formats: Sequence[str],
    batches: "Sequence[Images]",
    progress: Progress = lambda done, total: None,
) -> list[ExportResult]:
    """Writes ``model_file`` into ``folder`` in each of the ``formats``, replacing files of an earlier export.

    The names of the classes are written beside them (``labels.txt``).

    Each file is loaded again in its own runtime before it takes its place, and must give the model's probabilities on
    ``batches``, to within 1e-4. Raises ModelError when it does not, when it cannot be read back, and when the folder
    cannot be written. ``progress(done, total)`` is called before each format.
    """
    predict = FORMATS["keras"].load(model_file)
    expected = [predict(images) for images in batches]
    results: list[ExportResult] = []
    with _writing_to(folder):
        for name in formats:
            progress(len(results), len(formats))
            results.append(_export(FORMATS[name], model_file, folder, batches, expected))
        write_labels(folder, read_metadata(model_file).classes)
    return results


def _export(
    export_format: ExportFormat,
    model_file: Path,
    folder: Path,
    batches: "Sequence[Images]",
    expected: "Sequence[Probabilities]",
) -> ExportResult:
    target = folder / export_format.file_name
    with replacing(target) as temporary:
        export_format.write(model_file, temporary)
        difference = _difference(export_format, temporary, batches, expected)
        if not difference <= TOLERANCE:  # NaN is not within it
            raise ModelError(
                f"{target}: {export_format.name} differs from the model by {difference:.2g}, expected at most "
                f"{TOLERANCE:g}"
            )
    return ExportResult(export_format.name, target, _size(target), difference)


@contextmanager
def _writing_to(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ModelError(f"{folder}: cannot write there ({error.strerror or error}); choose another --output") from None


def _difference(
    export_format: ExportFormat, path: Path, batches: "Sequence[Images]", expected: "Sequence[Probabilities]"
) -> float:
    """The largest difference of a probability; NaN when one is NaN."""
    import numpy as np

    try:
        predict = export_format.load(path)
        actual = [predict(images) for images in batches]
        pairs = zip(actual, expected, strict=True)
        return float(np.max([np.abs(batch - reference).max() for batch, reference in pairs]))
    except Exception as error:  # runtimes raise anything on a file that they cannot read
        written = f"the {export_format.file_name} just written"
        raise ModelError(f"{path.parent}: {written} cannot be run: {first_line(error)}") from None


def _size(path: Path) -> int:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files)
