"""The best model on the test images: what ``test.json`` keeps of it, so that reports can be made without the model."""

import json
import platform
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.arrays import Labels, Probabilities
from pipeline.data import Dataset
from pipeline.errors import StudyError
from pipeline.metrics.interval import Interval
from pipeline.study.paths import StudyPaths

_MOST_WRONG = 24
"""The most wrong images that are kept."""


@dataclass(frozen=True)
class BestModel:
    """The model of the best trial.

    ``score`` is the trial's, on the validation images; ``test_scores`` has one score per metric on the test images.
    ``digest`` is the SHA-256 of the model file: the trial's number does not identify it, since an interrupted trial is
    repeated under the same number. ``version`` is the model's version in MLflow's registry (0 if it is not there) under
    the name ``registered_as``, ``registry_note`` a sentence about it. ``caveat`` says that it was trained for less than
    its epochs ("": it was not).
    """

    trial: int
    digest: str
    metric: str
    score: float
    test_scores: dict[str, float | None]
    version: int
    registry_note: str
    registered_as: str = ""
    caveat: str = ""


@dataclass(frozen=True)
class WrongImage:
    """A test image that was taken for another class.

    ``file`` is its path below the folder of the data, or its number where images come from arrays; ``probability`` is
    that of the ``predicted`` class.
    """

    file: str
    true: str
    predicted: str
    probability: float


@dataclass(frozen=True)
class EvaluatedModel:
    """What ``test.json`` says of the best model, and of the data and the software that it comes from.

    ``scores`` has one for each metric (None: not defined), measured on ``n`` test images, and ``intervals`` its 95 %
    interval (None: nothing can be said); ``confusion`` (true, predicted) counts them. ``data`` describes the dataset in
    a line, ``validation`` is the number of validation images (0: an older version noted neither), ``versions`` are
    those of Python and packages.
    """

    model: BestModel
    n: int
    scores: Mapping[str, float | None]
    classes: tuple[str, ...]
    confusion: NDArray[np.int64]
    wrong: tuple[WrongImage, ...] = ()
    data: str = ""
    validation: int = 0
    versions: Mapping[str, str] = field(default_factory=dict)
    intervals: Mapping[str, Interval | None] = field(default_factory=dict)


def most_wrong(probabilities: Probabilities, labels: Labels, most: int = _MOST_WRONG) -> NDArray[np.int64]:
    """Indices of the images that are predicted wrongly with the highest probability, that one first.

    ``probabilities`` is (n, classes), ``labels`` (n,).

    >>> most_wrong(np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]], np.float32), np.array([1, 1, 0]))
    array([0, 2])
    """
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    order = np.argsort(-probabilities[wrong].max(axis=1), kind="stable")
    chosen: NDArray[np.int64] = wrong[order][:most]
    return chosen


def describe_wrong(dataset: Dataset, rows: Sequence[int], probabilities: Probabilities) -> list[WrongImage]:
    """The images in these rows of the dataset, whose ``probabilities`` are (len(rows), classes)."""
    names, predicted = dataset.classes, probabilities.argmax(axis=1).tolist()
    return [
        WrongImage(
            dataset.image_name(row),
            names[int(dataset.labels[row])],
            names[label],
            round(float(probabilities[index, label]), 4),
        )
        for index, (row, label) in enumerate(zip(rows, predicted, strict=True))
    ]


_SOFTWARE = ("convtune", "keras", "tensorflow", "jax", "torch", "numpy", "pillow", "scikit-learn", "optuna")
"""The packages that results depend on."""


def software_versions() -> dict[str, str]:
    """The versions of Python and of the installed packages that results depend on."""
    versions = {"python": platform.python_version()}
    for package in _SOFTWARE:
        with suppress(PackageNotFoundError):
            versions[package] = version(package)
    return versions


def describe_test(dataset: Dataset, wrong: Sequence[WrongImage]) -> dict[str, Any]:
    """What ``test.json`` says beside the scores and the model: plain values for JSON."""
    return {
        "data": f"{dataset.name}: {dataset.describe()}",
        "validation": len(dataset.validation),
        "wrong": [asdict(image) for image in wrong],
        "versions": software_versions(),
    }


def read_evaluated_model(paths: StudyPaths) -> EvaluatedModel | None:
    """What the study keeps of its best model; None if none has been tested yet. StudyError for a damaged file."""
    try:
        return _parse(json.loads(paths.evaluation.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, AttributeError):
        advice = f"remove it, and `convtune tune --study {paths.argument}` tests the best model again"
        raise StudyError(f"{paths.evaluation}: damaged; {advice}") from None


def _parse(content: Mapping[str, Any]) -> EvaluatedModel:
    classes = tuple(map(str, content["classes"]))
    confusion = np.array(content["confusion"], np.int64)
    if confusion.shape != (len(classes), len(classes)):
        raise ValueError("a confusion matrix of another size")
    return EvaluatedModel(
        model=BestModel(**content["best_model"]),
        n=int(content["n"]),
        scores=dict(content["scores"]),
        classes=classes,
        confusion=confusion,
        wrong=tuple(WrongImage(**image) for image in content.get("wrong", ())),
        data=str(content.get("data", "")),
        validation=int(content.get("validation", 0)),
        versions=dict(content.get("versions", {})),
        intervals={name: Interval(*ends) if ends else None for name, ends in content.get("intervals", {}).items()},
    )
