"""An .npz file as a source for the cache: headers are checked first, then labels, then pixels in blocks."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.data.cache import SourceContent, cache_key
from pipeline.data.cache_entry import allocate_images, complete_entry
from pipeline.data.decode import Pixels, Shape, fit_image
from pipeline.data.form import Form, Pictures
from pipeline.data.listing import Listing
from pipeline.data.npz_array import NpzArray, read_headers
from pipeline.data.npz_labels import number_labels
from pipeline.data.npz_names import CLASS_NAMES, find_split_names
from pipeline.data.scale import read_range
from pipeline.data.split import TRAIN, Rows, check_counts
from pipeline.data.white_level import to_bytes
from pipeline.errors import DataError, printable


class _Split(NamedTuple):
    number: int
    images: NpzArray
    labels: NpzArray


class NpzSource:
    """An .npz file with ``x_train, y_train[, x_val, y_val][, x_test, y_test][, classes]`` as a source for the cache.

    ``npz_names`` has the other names that arrays may have. Images of another size than the first array's are stretched
    to its size. ``progress(done, total)`` counts images.
    """

    def __init__(self, path: Path, progress: Callable[[int, int], None]) -> None:
        self.location = cache_key(("npz", path.resolve()))
        self._path = path
        self._progress = progress

    @property
    def notes(self) -> Sequence[str]:
        """The arrays whose images have another size than those of the first, one line each."""
        first, *others = (split.images for split in self._find_arrays()[0])
        return [
            f"{images.where}: images of {_size(images)}, while {first.name} has {_size(first)}; all get one size"
            for images in others
            if images.shape[1:3] != first.shape[1:3]
        ]

    def listing(self) -> Listing:
        """The number of images by the headers, and a key of the file's size and the time of its last change."""
        try:
            stat = self._path.stat()
        except OSError as error:
            raise _cannot_read(self._path, error) from None
        images = sum(split.images.shape[0] for split in self._find_arrays()[0])
        return Listing(printable(self._path), images, cache_key((stat.st_size, stat.st_mtime_ns)))

    def again(self) -> "NpzSource":
        """Itself, since it looks at the file for each listing."""
        return self

    def read_content(self) -> SourceContent:
        """The key of the file's bytes, and the images by the headers of the arrays and the highest pixel."""
        splits, names = self._find_arrays()
        labels, _, classes = self._read_labels(splits, names)
        pixels = read_range([split.images for split in splits])
        try:
            with self._path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise _cannot_read(self._path, error) from None
        height, width, _ = _stored_shape(splits[0].images)
        channels = max(_stored_shape(split.images)[2] for split in splits)
        pictures = Pictures(height, width, channels, len(labels), len(classes))
        return SourceContent(cache_key(("npz", digest)), pictures.with_range(pixels) if pixels else pictures)

    def build(self, folder: Path, form: Form) -> None:
        """Copies the images, resized and scaled."""
        splits, names = self._find_arrays()
        labels, given_splits, classes = self._read_labels(splits, names)
        self._copy_images(folder, [split.images for split in splits], form)
        complete_entry(folder, labels, given_splits, tuple(classes), white=form.white)

    def check_training(self) -> None:
        """DataError unless every class has images to train with."""
        splits, names = self._find_arrays()
        if all(split.number != TRAIN for split in splits):
            raise DataError(
                f"{printable(self._path)}: x_train is missing; save images as x_train and labels as y_train"
            )
        labels, given_splits, classes = self._read_labels(splits, names)
        if len(classes) < 2:
            raise DataError(f"{splits[0].labels.where}: only one class; expected at least two")
        check_counts(labels, given_splits, classes, printable(self._path))

    def _find_arrays(self) -> tuple[list[_Split], NpzArray | None]:
        """The splits that are given, train first, and the array with the names of the classes."""
        arrays = read_headers(self._path)
        found = find_split_names(arrays, printable(self._path))
        names = next((array for name, array in arrays.items() if name.lower() in CLASS_NAMES), None)
        splits = [_Split(split, arrays[images], arrays[labels]) for split, images, labels in found]
        for split in splits:
            _check_shape(split.images)
        return splits, names

    def _read_labels(
        self, splits: Sequence[_Split], names: NpzArray | None
    ) -> tuple[Rows, NDArray[np.uint8], list[str]]:
        """Labels, given splits and class names."""
        counts = [split.images.shape[0] for split in splits]
        labels, classes = number_labels([split.labels for split in splits], counts, names)
        given_splits = np.repeat(np.array([split.number for split in splits], np.uint8), counts)
        return labels, given_splits, classes

    def _copy_images(self, folder: Path, arrays: Sequence[NpzArray], form: Form) -> None:
        total = sum(array.shape[0] for array in arrays)
        images = allocate_images(folder, (total, *form.shape), printable(self._path))
        row = 0
        for array in arrays:
            for _, block in array.read_blocks():
                pixels = block if form.white is None else to_bytes(block, form.white)
                images[row : row + len(block)] = _fit_images(pixels.reshape(-1, *_stored_shape(array)), form.shape)
                row += len(block)
                self._progress(row, total)
        images.flush()


def _cannot_read(path: Path, error: OSError) -> DataError:
    return DataError(f"{printable(path)}: cannot be read ({error.strerror}); expected an .npz file")


def _stored_shape(images: NpzArray) -> Shape:
    """Height, width and channels as stored."""
    height, width, channels, *_ = (*images.shape[1:], 1)
    return height, width, channels


def _size(images: NpzArray) -> str:
    return f"{images.shape[1]}x{images.shape[2]}"


def _check_shape(images: NpzArray) -> None:
    """DataError unless it has images in one of the shapes that are understood."""
    if len(images.shape) not in (3, 4) or (*images.shape, 1)[3] not in (1, 3, 4):
        first_channels = len(images.shape) == 4 and images.shape[1] in (1, 3, 4)
        raise DataError(
            f"{images.where} has the shape {images.shape}; "
            "expected (n, height, width) or (n, height, width, channels) with 1, 3 or 4 channels"
            + ("; save numpy.moveaxis(images, 1, -1)" if first_channels else "")
        )
    if min(images.shape) < 1:
        raise DataError(f"{images.where} is empty, its shape is {images.shape}; leave the array out or fill it")


def _fit_images(block: Pixels, shape: Shape) -> Pixels:
    """Images as stored, (n, height, width, channels), in the shape of the dataset."""
    if block.shape[1:] == shape:
        return block
    images = block[..., 0] if block.shape[3] == 1 else block
    return np.stack([fit_image(Image.fromarray(image), shape) for image in images])
