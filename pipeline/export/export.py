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
from pipeline.study.model_metadata import read_metadata

if TYPE_CHECKING:
    from pipeline.export.proof import Answers, Proof
    from pipeline.export.samples import Samples

TOLERANCE = 1e-4
"""The largest allowed difference between a probability of the model and the same one of an exact format."""


@dataclass(frozen=True)
class ExportResult:
    """One file or folder that was written, and how it compares with the model on ``images`` images.

    ``difference`` is the largest of a probability, ``agreement`` the share of images that both give the same class.
    ``accuracy`` and ``accuracy_of_model`` are None for images without labels. ``own_size`` is how many of the images
    were also read from their files and taken at their own size; ``difference`` counts them too.
    """

    format: str
    file: str
    bytes: int
    images: int
    difference: float
    agreement: float
    accuracy: float | None
    accuracy_of_model: float | None
    own_size: int = 0


def export(
    model_file: Path,
    folder: Path,
    formats: Sequence[str],
    samples: "Samples",
    progress: Progress = lambda done, total: None,
) -> list[ExportResult]:
    """Writes ``model_file`` into ``folder``, which exists, in each of the ``formats``.

    Each file is loaded again in its own runtime and predicts the images of ``samples`` in batches of 32, in each type
    of pixel that it takes; if it takes any size, also their files, one by one, and random pixels of another size.
    Raises ModelError when an exact format differs from the model by more than 1e-4, or any of them cannot be written or
    read back, or calibrated for want of images. ``progress(done, total)`` is called before each format.
    """
    from pipeline.export.proof import prepare

    check_calibration(formats, samples)
    proof = prepare(FORMATS["keras"].load(model_file), samples, read_metadata(model_file))
    results: list[ExportResult] = []
    for name in formats:
        progress(len(results), len(formats))
        results.append(_export(FORMATS[name], model_file, folder, samples, proof))
    return results


def check_calibration(formats: Sequence[str], samples: "Samples") -> None:
    """ModelError where a format is calibrated with training images and there are none."""
    for name in formats:
        if FORMATS[name].calibrated and not len(samples.calibration):
            raise ModelError(
                f"{name} is calibrated with training images, and there are none among {samples.source}; "
                "name data that has some with --data"
            )


def _export(
    export_format: ExportFormat, model_file: Path, folder: Path, samples: "Samples", proof: "Proof"
) -> ExportResult:
    target = folder / export_format.file_name
    step = "written"
    try:
        export_format.write(model_file, target, samples.calibration)
        step = "run"
        answers = list(proof.run(export_format, export_format.load(target)))
    except ConvtuneError:
        raise
    except Exception as error:  # converters and runtimes raise anything
        raise ModelError(f"{export_format.file_name} cannot be {step}: {first_line(error)}") from None
    result = _compare(export_format, target, samples, answers)
    if export_format.exact and not result.difference <= TOLERANCE:  # NaN is not within it
        raise ModelError(
            f"{export_format.file_name} differs from the model by {result.difference:.2g}, "
            f"expected at most {TOLERANCE:g}"
        )
    return result


def _compare(
    export_format: ExportFormat, target: Path, samples: "Samples", answers: "Sequence[Answers]"
) -> ExportResult:
    import numpy as np

    classes, of_model = (probabilities.argmax(axis=1) for probabilities in answers[0])

    def accuracy(predicted: Any) -> float | None:
        return None if samples.labels is None else float((predicted == samples.labels).mean())

    return ExportResult(
        format=export_format.name,
        file=export_format.file_name,
        bytes=size_of(target),
        images=len(samples.images),
        difference=float(np.max([np.abs(ours - reference).max() for ours, reference in answers])),
        agreement=float((classes == of_model).mean()),
        accuracy=accuracy(classes),
        accuracy_of_model=accuracy(of_model),
        own_size=len(samples.files) if export_format.any_size else 0,
    )
