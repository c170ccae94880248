"""An .npz file as a source for the cache: headers are checked first, then labels, then pixels in blocks."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.data.cache import SourceContent, cache_key
from pipeline.data.cache_entry import allocate_images, complete_entry
from pipeline.data.decode import Pixels, Shape, fit_image
from pipeline.data.npz_array import NpzArray, read_headers
from pipeline.data.requested_shape import Pictures
from pipeline.data.scale import choose_scaling
from pipeline.data.split import TEST, TRAIN, VALIDATION, Rows, split_rows
from pipeline.errors import DataError, nearest, printable

_SPLITS = {"train": TRAIN, "val": VALIDATION, "test": TEST}
"""The number of each split, by the name that its arrays end in."""

_ARRAY_NAMES = (*(f"{letter}_{split}" for split in _SPLITS for letter in "xy"), "classes")

_MAX_NAME_BYTES = 2**20
"""Bytes that the class names may take."""


class _Split(NamedTuple):
    number: int
    images: NpzArray
    labels: NpzArray


class NpzSource:
    """An .npz file with ``x_train, y_train[, x_val, y_val][, x_test, y_test][, classes]`` as a source for the cache.

    ``progress(done, total)`` counts images.
    """

    notes: tuple[str, ...] = ()

    def __init__(self, path: Path, progress: Callable[[int, int], None]) -> None:
        self.location = cache_key(("npz", path.resolve()))
        self._path = path
        self._progress = progress

    def listing_key(self) -> str:
        """The key of the file's size and the time of its last change."""
        try:
            stat = self._path.stat()
        except OSError as error:
            raise _cannot_read(self._path, error) from None
        return cache_key((stat.st_size, stat.st_mtime_ns))

    def read_content(self) -> SourceContent:
        """The key of the file's bytes, and the images by the headers of the arrays."""
        arrays = read_headers(self._path)
        splits = _find_splits(self._path, arrays)
        stored = _stored_shape(splits)
        _, _, classes = self._read_labels(arrays, splits)
        try:
            with self._path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise _cannot_read(self._path, error) from None
        count = sum(split.images.shape[0] for split in splits)
        return SourceContent(cache_key(("npz", digest)), Pictures(*stored, count, len(classes)))

    def build(self, folder: Path, shape: Shape) -> None:
        """Checks everything, then copies."""
        arrays = read_headers(self._path)
        splits = _find_splits(self._path, arrays)
        stored = _stored_shape(splits)
        labels, given_splits, classes = self._read_labels(arrays, splits)
        self._copy_images(folder, [split.images for split in splits], stored, shape)
        complete_entry(folder, labels, given_splits, classes)

    def _read_labels(
        self, arrays: Mapping[str, NpzArray], splits: Sequence[_Split]
    ) -> tuple[Rows, NDArray[np.uint8], tuple[str, ...]]:
        """Labels, given splits and class names, checked."""
        labels = np.concatenate([_read_labels(split) for split in splits])
        given_splits = np.concatenate([np.full(split.images.shape[0], split.number, np.uint8) for split in splits])
        classes = _read_classes(arrays.get("classes"), splits[0].labels.where, labels, given_splits)
        split_rows(labels, given_splits, classes, 0, printable(self._path))  # checks the counts
        return labels, given_splits, classes

    def _copy_images(self, folder: Path, arrays: Sequence[NpzArray], stored: Shape, shape: Shape) -> None:
        total = sum(array.shape[0] for array in arrays)
        scale = choose_scaling(arrays)
        images = allocate_images(folder, (total, *shape), printable(self._path))
        row = 0
        for array in arrays:
            for _, block in array.read_blocks():
                images[row : row + len(block)] = _fit_images(scale(block).reshape(-1, *stored), shape)
                row += len(block)
                self._progress(row, total)
        images.flush()


def _cannot_read(path: Path, error: OSError) -> DataError:
    return DataError(f"{printable(path)}: cannot be read ({error.strerror}); expected an .npz file")


def _find_splits(path: Path, arrays: Mapping[str, NpzArray]) -> list[_Split]:
    """The splits that are given, train first; DataError when an array is missing or has an unknown name."""
    for name in arrays:
        if name not in _ARRAY_NAMES:
            unknown = f"{printable(path)}: unknown array {printable(name)!r}{nearest(name, _ARRAY_NAMES)}"
            raise DataError(f"{unknown}; expected {', '.join(_ARRAY_NAMES)}")
    for split in _SPLITS:
        images, labels = f"x_{split}", f"y_{split}"
        for name, other in (images, labels), (labels, images):
            if name not in arrays and (other in arrays or split == "train"):
                raise DataError(f"{printable(path)}: {name} is missing; save images as {images} and labels as {labels}")
    given = [split for split in _SPLITS if f"x_{split}" in arrays]
    return [_Split(_SPLITS[split], arrays[f"x_{split}"], arrays[f"y_{split}"]) for split in given]


def _stored_shape(splits: Sequence[_Split]) -> Shape:
    """Height, width and channels as stored; DataError unless they are the same in all splits."""
    first = splits[0].images
    for images in (split.images for split in splits):
        if len(images.shape) not in (3, 4) or (*images.shape, 1)[3] not in (1, 3, 4):
            raise DataError(
                f"{images.where} has the shape {images.shape}; "
                "expected (n, height, width) or (n, height, width, channels) with 1, 3 or 4 channels"
            )
        if min(images.shape) < 1:
            raise DataError(f"{images.where} is empty, its shape is {images.shape}; leave the array out or fill it")
        if images.shape[1:] != first.shape[1:]:
            raise DataError(
                f"{images.where} has images of {images.shape[1:]} and {first.name} of {first.shape[1:]}; "
                "expected one shape"
            )
    height, width, channels, *_ = (*first.shape[1:], 1)
    return height, width, channels


def _read_labels(split: _Split) -> Rows:
    """The labels of a split, int64 (n,); DataError unless there is one per image and none is negative."""
    labels, count = split.labels, split.images.shape[0]
    if labels.dtype.kind not in "iu":
        raise DataError(f"{labels.where}: labels are {labels.dtype}; expected integers from 0, save them as int64")
    if labels.shape not in ((count,), (count, 1)):
        hint = "; take the argmax of one-hot labels" if labels.shape[1:] > (1,) else ""
        raise DataError(
            f"{labels.where} has the shape {labels.shape}; expected ({count},), one label per image "
            f"of {split.images.name}{hint}"
        )
    numbers = labels.read().reshape(-1)
    lowest, highest = numbers.min(), numbers.max()
    if lowest < 0 or highest >= 2**31:
        wrong = lowest if lowest < 0 else highest
        raise DataError(f"{labels.where}: a label is {wrong}; expected 0 to the number of classes less 1")
    return numbers.astype(np.int64)


def _read_classes(names: NpzArray | None, where: str, labels: Rows, given_splits: NDArray[np.uint8]) -> tuple[str, ...]:
    """The names of the classes, their numbers if the file has no names.

    DataError unless every class has a training image; ``where`` names the training labels in it.
    """
    trained = set(labels[given_splits == TRAIN].tolist())
    count = max(trained) + 1
    untrained = set(labels.tolist()) - trained
    if untrained:
        raise DataError(
            f"{where}: no image of class {min(untrained)}, which another split has; add some or remove them"
        )
    if len(trained) < count:
        absent = next(label for label in range(count) if label not in trained)
        raise DataError(f"{where}: no image of class {absent}, labels go to {count - 1}; number classes 0, 1, 2, ...")
    if count < 2:
        raise DataError(f"{where}: only one class; expected at least two")
    return _read_names(names, count) if names else tuple(map(str, range(count)))


def _read_names(array: NpzArray, count: int) -> tuple[str, ...]:
    """One name per class; DataError unless they are ``count`` different texts."""
    if array.dtype.kind != "U" or len(array.shape) != 1:
        raise DataError(
            f"{array.where} is {array.dtype} of shape {array.shape}; expected a list of text, one name per class"
        )
    if array.dtype.itemsize * array.shape[0] > _MAX_NAME_BYTES:
        raise DataError(f"{array.where} is above {_MAX_NAME_BYTES:,} bytes; give the classes shorter names")
    names = tuple(printable(name) for name in array.read().tolist())
    if len(names) != count:
        raise DataError(
            f"{array.where} has {len(names)} names and the labels {count} classes; give each class one name"
        )
    repeated = [name for name in names if names.count(name) > 1]
    if repeated:
        raise DataError(f"{array.where}: {repeated[0]!r} comes twice; give each class a name of its own")
    return names


def _fit_images(block: Pixels, shape: Shape) -> Pixels:
    """Images as stored, (n, height, width, channels), in the shape of the dataset."""
    if block.shape[1:] == shape:
        return block
    images = block[..., 0] if block.shape[3] == 1 else block
    return np.stack([fit_image(Image.fromarray(image), shape) for image in images])
