"""Notes on a dataset that people should read before they train on it, one line each."""

from collections.abc import Iterator

import numpy as np

from pipeline.data.dataset import Dataset
from pipeline.data.listing_notes import name_some
from pipeline.data.split import Rows
from pipeline.errors import printable
from pipeline.metrics import Metric

_IMBALANCED = 5
"""Classes are imbalanced when one has this many times as many training images as another."""

_DARK = 63
"""A highest pixel of 6 bits or less: so dark are images only when their values were not in 0..255."""

_FEW = 100
"""Validation images below which chance is worth a line: at 100, accuracy moves in steps of 0.01."""

_MAX_NAMED = 3
"""Pairs of copies that a line names."""


def training_notes(dataset: Dataset, metric: Metric, weighted: bool = False) -> Iterator[str]:
    """Imbalanced classes, classes without images to validate or test with, few validation images, copies, dark images.

    ``metric`` is the study's; ``weighted`` says whether it weighs the classes, or was told not to.
    """
    where = printable(dataset.source)
    checks = (
        _imbalanced(dataset, metric, weighted),
        _absent(dataset),
        _few(dataset, metric),
        _leaks(dataset),
        _two_classes(dataset),
    )
    for lines in (*checks, _dark(dataset)):
        yield from (f"{where}: {line}" for line in lines)


def is_imbalanced(dataset: Dataset) -> bool:
    """Whether one class has five times as many training images as another."""
    counts = np.bincount(dataset.labels[dataset.train], minlength=len(dataset.classes))
    return bool(counts.max() >= _IMBALANCED * counts.min())


def _imbalanced(dataset: Dataset, metric: Metric, weighted: bool) -> Iterator[str]:
    if not is_imbalanced(dataset):
        return
    counts = np.bincount(dataset.labels[dataset.train], minlength=len(dataset.classes))
    most, least = int(counts.argmax()), int(counts.argmin())
    advice = []
    if not metric.classes_count_alike:
        advice.append(f"{metric.label} hardly counts the rare ones, --metric balanced_accuracy or f1_macro does")
    if not weighted:
        advice.append("--class-weight balanced makes them count in training")
    yield "; ".join(
        [
            f"imbalanced classes, {counts[most] / counts[least]:.3g} to 1: {counts[most]:,} training images of "
            f"{dataset.classes[most]} and {counts[least]:,} of {dataset.classes[least]}",
            *advice,
        ]
    )


def _absent(dataset: Dataset) -> Iterator[str]:
    for name, rows in ("validation", dataset.validation), ("test", dataset.test):
        counts = np.bincount(dataset.labels[rows], minlength=len(dataset.classes))
        absent = [dataset.classes[label] for label in np.flatnonzero(counts == 0)]
        if absent:
            yield f"no {name} images of {name_some(absent)}"


def _few(dataset: Dataset, metric: Metric) -> Iterator[str]:
    count = len(dataset.validation)
    if 0 < count < _FEW:
        steps = f"{metric.label} moves in steps of {1 / count:.3g}, and trials tie or win by chance"
        yield f"{count} validation images: {steps if metric.share_of_images else 'trials win by chance'}; add images"


def _leaks(dataset: Dataset) -> Iterator[str]:
    """Validation and test images that are training images too, and test images that are validation images."""
    shares, pairs = [], []
    seen = {int(dataset.entry.copy_of[row]): int(row) for row in dataset.train[::-1]}
    for name, rows in ("validation", dataset.validation), ("test", dataset.test):
        leaked = [int(row) for row in rows if int(dataset.entry.copy_of[row]) in seen]
        if leaked:
            shares.append(f"{len(leaked):,} of {len(rows):,} {name} images")
            pairs += [_pair(dataset, row, seen[int(dataset.entry.copy_of[row])]) for row in leaked]
        seen = {int(dataset.entry.copy_of[row]): int(row) for row in rows[::-1]} | seen
    if pairs:
        yield (
            f"{' and '.join(shares)} are copies of images that a network is fitted to or chosen by, pixel for pixel "
            f"({name_some(pairs, _MAX_NAMED)}); scores are too high, remove the copies"
        )


def _two_classes(dataset: Dataset) -> Iterator[str]:
    rows = np.flatnonzero(dataset.labels != dataset.labels[dataset.entry.copy_of])
    if len(rows):
        pairs = [_pair(dataset, int(row), int(dataset.entry.copy_of[row])) for row in _one_per_picture(dataset, rows)]
        which = "1 picture is" if len(pairs) == 1 else f"{len(pairs):,} pictures are"
        yield f"{which} in two classes ({name_some(pairs, _MAX_NAMED)}); keep each in one"


def _dark(dataset: Dataset) -> Iterator[str]:
    highest = dataset.entry.highest
    if highest <= _DARK:
        yield (
            f"all images are nearly black, their highest pixel is {highest} of 255; "
            f"if {highest} stands for white, scale the pixels to 0..255 and save them again"
        )


def _one_per_picture(dataset: Dataset, rows: Rows) -> Rows:
    return rows[np.unique(dataset.entry.copy_of[rows], return_index=True)[1]]


def _pair(dataset: Dataset, row: int, other: int) -> str:
    return f"{dataset.image_name(row)} = {dataset.image_name(other)}"
