"""Arrays from an .npz file into the cache: headers are judged first, then labels, then pixels in blocks."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from pipeline.data import cache
from pipeline.data.decode import Pixels, Shape, fit, shown
from pipeline.data.member import Member, members
from pipeline.data.scale import pixel_rule
from pipeline.data.split import TEST, TRAIN, VALIDATION, Rows, split
from pipeline.data.wanted import Wanted
from pipeline.errors import DataError, nearest

PARTS = {"train": TRAIN, "val": VALIDATION, "test": TEST}
KEYS = (*(f"{letter}_{part}" for part in PARTS for letter in "xy"), "classes")
LONGEST_NAMES = 2**20  # bytes that class names may take


class _Part(NamedTuple):
    given: int
    images: Member
    labels: Member


class Npz:
    """An .npz file as a source for the cache: ``x_train, y_train[, x_val, y_val][, x_test, y_test][, classes]``.

    What is not ``wanted`` otherwise stays as it is stored; ``progress(done, total)`` counts images.
    """

    notes: tuple[str, ...] = ()

    def __init__(self, path: Path, wanted: Wanted, progress: Callable[[int, int], None]) -> None:
        self.place = cache.key(("npz", path.resolve()))
        self.wanted = wanted
        self._path = path
        self._progress = progress

    def listing(self) -> str:
        """The key of size and time of change."""
        try:
            stat = self._path.stat()
        except OSError as error:
            raise _unread(self._path, error) from None
        return cache.key((stat.st_size, stat.st_mtime_ns))

    def content(self) -> cache.Content:
        """The file's bytes, and the shape by the headers of its arrays."""
        shape = self.wanted.of(_shape(_parts(self._path, members(self._path))))
        try:
            with self._path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise _unread(self._path, error) from None
        return cache.Content(cache.key(("npz", digest, *shape)), shape)

    def build(self, folder: Path) -> None:
        """Checks everything, then copies."""
        arrays = members(self._path)
        parts = _parts(self._path, arrays)
        stored = _shape(parts)
        labels = np.concatenate([_labels(part) for part in parts])
        given = np.concatenate([np.full(part.images.shape[0], part.given, np.uint8) for part in parts])
        classes = _classes(arrays.get("classes"), parts[0], labels, given)
        split(labels, given, classes, 0, shown(self._path))
        self._copy(folder, [part.images for part in parts], stored, self.wanted.of(stored))
        cache.seal(folder, labels, given, classes)

    def _copy(self, folder: Path, arrays: Sequence[Member], stored: Shape, shape: Shape) -> None:
        total = sum(array.shape[0] for array in arrays)
        rule = pixel_rule(arrays)
        images = cache.allocate(folder, (total, *shape), shown(self._path))
        row = 0
        for array in arrays:
            for _, block in array.blocks():
                images[row : row + len(block)] = _fitted(rule(block).reshape(-1, *stored), shape)
                row += len(block)
                self._progress(row, total)
        images.flush()


def _unread(path: Path, error: OSError) -> DataError:
    return DataError(f"{shown(path)}: cannot be read ({error.strerror}); expected an .npz file")


def _parts(path: Path, arrays: Mapping[str, Member]) -> list[_Part]:
    """The splits that are given, train first."""
    for name in arrays:
        if name not in KEYS:
            unknown = f"{shown(path)}: unknown array {shown(name)!r}{nearest(name, KEYS)}"
            raise DataError(f"{unknown}; expected {', '.join(KEYS)}")
    for part in PARTS:
        for here, other in (f"x_{part}", f"y_{part}"), (f"y_{part}", f"x_{part}"):
            if here not in arrays and (other in arrays or part == "train"):
                raise DataError(f"{shown(path)}: {here} is missing; save images as x_{part} and labels as y_{part}")
    return [_Part(PARTS[part], arrays[f"x_{part}"], arrays[f"y_{part}"]) for part in PARTS if f"x_{part}" in arrays]


def _shape(parts: Sequence[_Part]) -> Shape:
    """Height, width and channels as stored, the same in all splits."""
    for part in parts:
        images = part.images
        if len(images.shape) not in (3, 4) or (*images.shape, 1)[3] not in (1, 3, 4):
            raise DataError(
                f"{images.where} has the shape {images.shape}; "
                "expected (n, height, width) or (n, height, width, channels) with 1, 3 or 4 channels"
            )
        if min(images.shape) < 1:
            raise DataError(f"{images.where} is empty, its shape is {images.shape}; leave the array out or fill it")
        if images.shape[1:] != parts[0].images.shape[1:]:
            raise DataError(
                f"{images.where} has images of {images.shape[1:]} and {parts[0].images.name} of "
                f"{parts[0].images.shape[1:]}; expected one shape"
            )
    height, width, channels, *_ = (*parts[0].images.shape[1:], 1)
    return height, width, channels


def _labels(part: _Part) -> Rows:
    """The labels of a split, int64 (n,), none negative."""
    labels, count = part.labels, part.images.shape[0]
    if labels.dtype.kind not in "iu":
        raise DataError(f"{labels.where}: labels are {labels.dtype}; expected integers from 0, save them as int64")
    if labels.shape not in ((count,), (count, 1)):
        hint = "; take the argmax of one-hot labels" if labels.shape[1:] > (1,) else ""
        raise DataError(
            f"{labels.where} has the shape {labels.shape}; expected ({count},), a label for each image "
            f"of {part.images.name}{hint}"
        )
    found = labels.whole().reshape(-1)
    if found.min() < 0 or found.max() >= 2**31:
        wrong = found.min() if found.min() < 0 else found.max()
        raise DataError(f"{labels.where}: a label is {wrong}; expected 0 to the number of classes less 1")
    return found.astype(np.int64)


def _classes(
    names: Member | None, train: _Part, labels: Rows, given: "np.ndarray[tuple[int], np.dtype[np.uint8]]"
) -> tuple[str, ...]:
    """The names of the classes, each of which must have a training image."""
    known = set(labels[given == TRAIN].tolist())
    count = max(known) + 1
    where = train.labels.where
    beyond = set(labels.tolist()) - known
    if beyond:
        raise DataError(f"{where}: no image of class {min(beyond)}, which another split has; add some or remove them")
    if len(known) < count:
        absent = next(label for label in range(count) if label not in known)
        raise DataError(f"{where}: no image of class {absent}, labels go to {count - 1}; number classes 0, 1, 2, ...")
    if count < 2:
        raise DataError(f"{where}: only one class; expected at least two")
    return _names(names, count) if names else tuple(map(str, range(count)))


def _names(names: Member, count: int) -> tuple[str, ...]:
    if names.dtype.kind != "U" or len(names.shape) != 1:
        raise DataError(
            f"{names.where} is {names.dtype} of shape {names.shape}; expected a list of text, a name for each class"
        )
    if names.dtype.itemsize * names.shape[0] > LONGEST_NAMES:
        raise DataError(f"{names.where} is above {LONGEST_NAMES:,} bytes; give the classes shorter names")
    found = tuple(shown(name) for name in names.whole().tolist())
    if len(found) != count:
        raise DataError(
            f"{names.where} has {len(found)} names and the labels {count} classes; give each class one name"
        )
    twice = [name for name in found if found.count(name) > 1]
    if twice:
        raise DataError(f"{names.where}: {twice[0]!r} comes twice; give each class a name of its own")
    return found


def _fitted(block: Pixels, shape: Shape) -> Pixels:
    """Images as stored, (n, h, w, c), in the shape of the dataset."""
    if block.shape[1:] == shape:
        return block
    images = block[..., 0] if block.shape[3] == 1 else block
    return np.stack([fit(Image.fromarray(image), shape) for image in images])
