"""Writes a model in other formats and proves what it wrote. Runs in a worker, under Keras's TensorFlow backend."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import ConvtuneError, ModelError, first_line
from pipeline.executors import Progress
from pipeline.export.export_format import ExportFormat
from pipeline.export.formats import FORMATS
from pipeline.files import size_of

if TYPE_CHECKING:
    from pipeline.arrays import Images, Probabilities
    from pipeline.export.samples import Samples

TOLERANCE = 1e-4
"""The largest allowed difference between a probability of the model and the same one of an exact format."""

_BATCH = 32


@dataclass(frozen=True)
class ExportResult:
    """One file or folder that was written, and how it compares with the model on ``images`` images.

    ``difference`` is the largest of a probability, ``agreement`` the share of images that both give the same class.
    ``accuracy`` and ``accuracy_of_model`` are None for images without labels.
    """

    format: str
    file: str
    bytes: int
    images: int
    difference: float
    agreement: float
    accuracy: float | None
    accuracy_of_model: float | None


def export(
    model_file: Path,
    folder: Path,
    formats: Sequence[str],
    samples: "Samples",
    progress: Progress = lambda done, total: None,
) -> list[ExportResult]:
    """Writes ``model_file`` into ``folder``, which exists, in each of the ``formats``.

    Each file is loaded again in its own runtime and predicts the images of ``samples`` in batches of 32, and 3 random
    ones of another size if it takes any. Raises ModelError when an exact format differs from the model by more than
    1e-4, or any of them cannot be written or read back. ``progress(done, total)`` is called before each format.
    """
    batches = [samples.images, _another_size(samples.images)]
    model = FORMATS["keras"].load(model_file)
    expected = [_predict(model, images) for images in batches]
    results: list[ExportResult] = []
    for name in formats:
        progress(len(results), len(formats))
        results.append(_export(FORMATS[name], model_file, folder, samples, batches, expected))
    return results


def _export(
    export_format: ExportFormat,
    model_file: Path,
    folder: Path,
    samples: "Samples",
    batches: "Sequence[Images]",
    expected: "Sequence[Probabilities]",
) -> ExportResult:
    target = folder / export_format.file_name
    step = "written"
    try:
        export_format.write(model_file, target, samples.calibration)
        step = "run"
        predict = export_format.load(target)
        actual = [_predict(predict, images) for images in (batches if export_format.any_size else batches[:1])]
    except ConvtuneError:
        raise
    except Exception as error:  # converters and runtimes raise anything
        raise ModelError(f"{export_format.file_name} cannot be {step}: {first_line(error)}") from None
    result = _compare(export_format, target, samples, actual, expected)
    if export_format.exact and not result.difference <= TOLERANCE:  # NaN is not within it
        raise ModelError(
            f"{export_format.file_name} differs from the model by {result.difference:.2g}, "
            f"expected at most {TOLERANCE:g}"
        )
    return result


def _compare(
    export_format: ExportFormat,
    target: Path,
    samples: "Samples",
    actual: "Sequence[Probabilities]",
    expected: "Sequence[Probabilities]",
) -> ExportResult:
    import numpy as np

    pairs = list(zip(actual, expected, strict=False))  # a format of one size has no second batch
    classes, of_model = actual[0].argmax(axis=1), expected[0].argmax(axis=1)

    def accuracy(predicted: Any) -> float | None:
        return None if samples.labels is None else float((predicted == samples.labels).mean())

    return ExportResult(
        format=export_format.name,
        file=export_format.file_name,
        bytes=size_of(target),
        images=len(samples.images),
        difference=float(np.max([np.abs(ours - reference).max() for ours, reference in pairs])),
        agreement=float((classes == of_model).mean()),
        accuracy=accuracy(classes),
        accuracy_of_model=accuracy(of_model),
    )


def _predict(predict: Any, images: "Images") -> "Probabilities":
    import numpy as np

    return np.concatenate([predict(images[start : start + _BATCH]) for start in range(0, len(images), _BATCH)])


def _another_size(images: "Images") -> "Images":
    """3 images of random pixels, larger than ``images`` in both directions and of another shape."""
    import numpy as np

    _, height, width, channels = images.shape
    return np.random.default_rng(0).integers(0, 256, (3, height + 5, 2 * width + 3, channels), np.uint8)
