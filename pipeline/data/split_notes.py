"""Notes on how the images of a dataset are split, for who looks at it for the first time."""

from collections.abc import Iterator

import numpy as np

from pipeline.data.dataset import Dataset
from pipeline.errors import printable

_UNEVEN = 5
"""The factor between a class's shares of the images of two splits from which on they are uneven."""


def split_notes(dataset: Dataset) -> Iterator[str]:
    """Splits that have more images than there are to train with, or in which a class has quite another share.

    A class that a split lacks is told by ``training_notes``.
    """
    where = printable(dataset.source)
    trained = np.bincount(dataset.labels[dataset.train], minlength=len(dataset.classes))
    for name, rows in ("validation", dataset.validation), ("test", dataset.test):
        if len(rows) > len(dataset.train):
            few = f"and only {len(dataset.train):,} to train with"
            yield f"{where}: {len(rows):,} {name} images {few}; move some to train"
        counts = np.bincount(dataset.labels[rows], minlength=len(dataset.classes))
        expected = trained * (len(rows) / len(dataset.train))
        factor = np.maximum(counts, expected) / np.maximum(np.minimum(counts, expected), 1)
        worst = int(factor.argmax())
        if counts[worst] and factor[worst] >= _UNEVEN:
            yield (
                f"{where}: {dataset.classes[worst]} is {trained[worst] / len(dataset.train):.2g} of the training "
                f"images and {counts[worst] / len(rows):.2g} of the {name} images; scores suit the classes as they are "
                "there, so make the shares those that you expect later"
            )
