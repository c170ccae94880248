"""An image folder as a source for the cache: every file is read, checked and decoded once."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.data.cache import SourceContent, cache_key
from pipeline.data.cache_entry import allocate_images, complete_entry, keep_images
from pipeline.data.decode import (
    BrokenImageError,
    ImageHeader,
    Shape,
    decode_bytes,
    read_file,
    read_header,
    silence_pillow,
)
from pipeline.data.requested_shape import RequestedShape
from pipeline.data.scan import ImageFile, scan
from pipeline.data.split import TRAIN, Rows, split_rows
from pipeline.data.threads import map_in_threads
from pipeline.errors import DataError, printable

_MAX_SIDE = 256
"""The most pixels of the longer side if no size is requested; a larger median size is scaled down."""

_MAX_BROKEN_SHARE = 0.1
"""The share of broken images above which a folder is refused."""

_MAX_NAMED = 5
"""The most broken images that a message names."""


class _CheckedFile(NamedTuple):
    """A file that has been read: the digest of its bytes, and its header, or why the header cannot be read."""

    digest: str
    header: ImageHeader | None
    fault: str


class FolderSource:
    """An image folder as a source for the cache.

    Without a requested size it takes the median of the training images, scaled down to at most 256 pixels on the longer
    side. Without requested channels it takes 3 if any image has colour, else 1. ``progress(done, total)`` counts files:
    reading all of them is the first half of the work, decoding them the second.
    """

    def __init__(self, path: Path, requested: RequestedShape, progress: Callable[[int, int], None]) -> None:
        self.location = cache_key(("folder", path.resolve()))
        self.requested = requested
        self._name = printable(path)
        self._progress = progress
        self._listing = scan(path)
        self._checked: list[_CheckedFile] = []
        self._shape: Shape

    @property
    def notes(self) -> tuple[str, ...]:
        """The files and folders that were skipped, one line each."""
        return self._listing.notes

    def listing_key(self) -> str:
        """A key of the class names and of the paths, sizes and modification times of the files."""
        files = (part for file in self._listing.files for part in (file.relative, file.size, file.changed))
        return cache_key((*self._listing.classes, *files))

    def read_content(self) -> SourceContent:
        """The key of all files' paths and bytes, and the shape. Keeps the headers for ``build``."""
        files = self._listing.files
        with silence_pillow():
            self._checked = map_in_threads(_check_file, files, lambda done: self._progress(done // 2, len(files)))
        self._check_broken(self._header_faults())
        self._labels_and_splits([file for file, checked in self._pairs() if not checked.fault])
        self._shape, notes = self._choose_shape()
        parts = (part for file, checked in self._pairs() for part in (file.relative, checked.digest))
        return SourceContent(cache_key(("folder", *self._shape, *self._listing.classes, *parts)), self._shape, notes)

    def build(self, folder: Path) -> None:
        """Decodes every image; leaves out broken ones with a note, or raises DataError when there are too many."""
        files = [file for file, checked in self._pairs() if not checked.fault]
        reasons = self._decode(folder, files)
        undecoded = {file.relative: reason for file, reason in zip(files, reasons, strict=True) if reason}
        faults = self._header_faults() | undecoded
        self._check_broken(faults)
        rows = np.flatnonzero([not reason for reason in reasons])
        if len(rows) < len(files):
            keep_images(folder, rows)
        labels, given_splits = self._labels_and_splits([files[row] for row in rows])
        complete_entry(folder, labels, given_splits, self._listing.classes, self._broken_notes(faults))

    def _pairs(self) -> Iterator[tuple[ImageFile, _CheckedFile]]:
        return zip(self._listing.files, self._checked, strict=True)

    def _header_faults(self) -> dict[str, str]:
        """The files whose header cannot be read, each with the reason."""
        return {file.relative: checked.fault for file, checked in self._pairs() if checked.fault}

    def _decode(self, folder: Path, files: Sequence[ImageFile]) -> list[str]:
        """Decodes the images into a new entry; returns, for each, why it cannot be decoded, or ""."""
        shape, total = self._shape, len(files)
        images = allocate_images(folder, (total, *shape), self._name)

        def decode_row(row: int) -> str:
            try:
                images[row] = decode_bytes(files[row].path, read_file(files[row].path), shape)
            except BrokenImageError as error:
                return error.reason
            return ""

        with silence_pillow():
            reasons = map_in_threads(decode_row, range(total), lambda done: self._progress((total + done) // 2, total))
        images.flush()
        return reasons

    def _choose_shape(self) -> tuple[Shape, tuple[str, ...]]:
        """The shape to decode to, and a note if it is neither the requested one nor the median of the images."""
        headers = [(file.given_split, checked.header) for file, checked in self._pairs() if checked.header]
        channels = 1 if all(header.grey for _, header in headers) else 3
        height, width = _median_size([header for split, header in headers if split == TRAIN])
        longer = max(height, width)
        if self.requested.size is not None or longer <= _MAX_SIDE:
            return self.requested.resolve((height, width, channels)), ()
        new_height, new_width = (max(1, int(side * _MAX_SIDE / longer + 0.5)) for side in (height, width))
        return self.requested.resolve((new_height, new_width, channels)), (
            f"{self._name}: the median image is {height} high and {width} wide; "
            f"scaled down to {new_height} by {new_width}, choose another size with --image-size",
        )

    def _labels_and_splits(self, files: Sequence[ImageFile]) -> tuple[Rows, NDArray[np.uint8]]:
        """Labels and given splits of the files; DataError when a class has too few images to split."""
        labels = np.array([file.label for file in files], dtype=np.int64)
        given_splits = np.array([file.given_split for file in files], dtype=np.uint8)
        split_rows(labels, given_splits, self._listing.classes, 0, self._name)
        return labels, given_splits

    def _check_broken(self, faults: dict[str, str]) -> None:
        """DataError when too many images are broken."""
        total = len(self._listing.files)
        if len(faults) > _MAX_BROKEN_SHARE * total:
            raise DataError(
                f"{self._name}: {len(faults):,} of {total:,} images are broken, expected at most "
                f"{_MAX_BROKEN_SHARE:.0%}; replace or remove {_name_faults(faults)}"
            )

    def _broken_notes(self, faults: dict[str, str]) -> tuple[str, ...]:
        if not faults:
            return ()
        total = len(self._listing.files)
        return (f"{self._name}: left out {len(faults):,} of {total:,} images as broken: {_name_faults(faults)}",)


def _check_file(file: ImageFile) -> _CheckedFile:
    content = read_file(file.path)
    digest = hashlib.sha256(content).hexdigest()
    try:
        return _CheckedFile(digest, read_header(file.path, content), "")
    except BrokenImageError as error:
        return _CheckedFile(digest, None, error.reason)


def _median_size(headers: Sequence[ImageHeader]) -> tuple[int, int]:
    """Median height and median width, rounded."""
    heights, widths = [header.height for header in headers], [header.width for header in headers]
    return int(np.median(heights) + 0.5), int(np.median(widths) + 0.5)


def _name_faults(faults: dict[str, str]) -> str:
    named = [f"{printable(name)} ({reason})" for name, reason in sorted(faults.items())[:_MAX_NAMED]]
    others = len(faults) - len(named)
    return ", ".join(named) + (f" and {others:,} more" if others else "")
