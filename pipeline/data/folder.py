"""An image folder as a source for the cache: every file is read, checked and decoded once."""

import hashlib
from collections.abc import Callable, Sequence
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
from pipeline.data.requested_shape import Pictures
from pipeline.data.scan import ImageFile, scan
from pipeline.data.split import TRAIN, Rows, split_rows
from pipeline.data.threads import map_in_threads
from pipeline.errors import DataError, printable

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

    Its own size is the median of the training images; it has 3 channels if any image has colour, else 1.
    ``progress(done, total)`` counts files: reading all of them is the first half of the work, decoding them the second.
    """

    def __init__(self, path: Path, progress: Callable[[int, int], None]) -> None:
        self.location = cache_key(("folder", path.resolve()))
        self._name = printable(path)
        self._progress = progress
        self._listing = scan(path)

    @property
    def notes(self) -> tuple[str, ...]:
        """The files and folders that were skipped, one line each."""
        return self._listing.notes

    def listing_key(self) -> str:
        """A key of the class names and of the paths, sizes and modification times of the files."""
        files = (part for file in self._listing.files for part in (file.relative, file.size, file.changed))
        return cache_key((*self._listing.classes, *files))

    def read_content(self) -> SourceContent:
        """The key of all files' paths and bytes, and the images by their headers."""
        files = self._listing.files
        with silence_pillow():
            checked = map_in_threads(_check_file, files, lambda done: self._progress(done // 2, len(files)))
        faults = {file.relative: check.fault for file, check in zip(files, checked, strict=True) if check.fault}
        self._check_broken(faults)
        sound = [(file, check.header) for file, check in zip(files, checked, strict=True) if check.header]
        self._labels_and_splits([file for file, _ in sound])
        parts = (part for file, check in zip(files, checked, strict=True) for part in (file.relative, check.digest))
        key = cache_key(("folder", *self._listing.classes, *parts))
        height, width = _median_size([header for file, header in sound if file.given_split == TRAIN])
        channels = 1 if all(header.grey for _, header in sound) else 3
        return SourceContent(key, Pictures(height, width, channels, len(sound), len(self._listing.classes)))

    def build(self, folder: Path, shape: Shape) -> None:
        """Decodes every image; leaves out broken ones with a note, or raises DataError when there are too many."""
        files = self._listing.files
        reasons = self._decode(folder, shape)
        faults = {file.relative: reason for file, reason in zip(files, reasons, strict=True) if reason}
        self._check_broken(faults)
        rows = np.flatnonzero([not reason for reason in reasons])
        if faults:
            keep_images(folder, rows)
        labels, given_splits = self._labels_and_splits([files[row] for row in rows])
        complete_entry(folder, labels, given_splits, self._listing.classes, self._broken_notes(faults))

    def _decode(self, folder: Path, shape: Shape) -> list[str]:
        """Decodes the images into a new entry; returns, for each, why it cannot be decoded, or ""."""
        files, total = self._listing.files, len(self._listing.files)
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
