"""An image folder as a source for the cache: every file is read, checked and decoded once."""

import hashlib
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipeline.data.cache import SourceContent, cache_key
from pipeline.data.cache_entry import allocate_images, complete_entry, keep_images
from pipeline.data.decode import (
    BrokenImageError,
    ImageHeader,
    decode_bytes,
    read_file,
    read_header,
    read_range,
    silence_pillow,
)
from pipeline.data.form import Form, Pictures
from pipeline.data.listing import Listing
from pipeline.data.listing_notes import name_some
from pipeline.data.scan import ImageFile, check_training, scan
from pipeline.data.split import TRAIN, check_counts
from pipeline.data.threads import map_in_threads
from pipeline.data.white_level import PixelRange
from pipeline.errors import DataError, printable

_MAX_BROKEN_SHARE = 0.1
"""The share of broken images above which a folder is refused."""


class _CheckedFile(NamedTuple):
    """A file that has been read: the digest of its bytes, and its header, or why it cannot be read.

    ``range`` is that of the pixels where they have more than 8 bits.
    """

    digest: str
    header: ImageHeader | None = None
    range: PixelRange | None = None
    fault: str = ""


class FolderSource:
    """An image folder as a source for the cache.

    Its own size is the median of the training images; it has 3 channels if any image has colour, else 1.
    ``progress(done, total)`` counts files: reading all of them is the first half of the work, decoding them the second.
    """

    def __init__(self, path: Path, progress: Callable[[int, int], None]) -> None:
        self.location = cache_key(("folder", path.resolve()))
        self._path = path
        self._name = printable(path)
        self._progress = progress
        self._listing = scan(path)

    @property
    def notes(self) -> tuple[str, ...]:
        """The files and folders that were skipped, one line each."""
        return self._listing.notes

    def check_training(self) -> None:
        """DataError when the names of the files show that there are too few images to train with."""
        check_training(self._path, self._listing)
        labels = np.array([file.label for file in self._listing.files])
        given_splits = np.array([file.given_split for file in self._listing.files], np.uint8)
        check_counts(labels, given_splits, self._listing.classes, self._name)

    def listing(self) -> Listing:
        """The number of files, and a key of the class names and of their paths, sizes and modification times."""
        files = (part for file in self._listing.files for part in (file.relative, file.size, file.changed))
        return Listing(self._name, len(self._listing.files), cache_key((*self._listing.classes, *files)))

    def again(self) -> "FolderSource":
        """The folder as it is now."""
        return FolderSource(self._path, self._progress)

    def read_content(self) -> SourceContent:
        """The key of all files' paths and bytes, and the images by their headers."""
        files = self._listing.files
        with silence_pillow():
            checked = map_in_threads(_check_file, files, lambda done: self._progress(done // 2, len(files)))
        faults = {file.relative: check.fault for file, check in zip(files, checked, strict=True) if check.fault}
        self._check_broken(faults)
        parts = (part for file, check in zip(files, checked, strict=True) for part in (file.relative, check.digest))
        key = cache_key(("folder", *self._listing.classes, *parts))
        pictures = _describe([(file, check) for file, check in zip(files, checked, strict=True) if check.header])
        return SourceContent(key, pictures._replace(classes=len(self._listing.classes)))

    def build(self, folder: Path, form: Form) -> None:
        """Decodes every image; leaves out broken ones with a note, or raises DataError when there are too many."""
        files = self._listing.files
        reasons = self._decode(folder, form)
        faults = {file.relative: reason for file, reason in zip(files, reasons, strict=True) if reason}
        self._check_broken(faults)
        rows = np.flatnonzero([not reason for reason in reasons])
        if faults:
            keep_images(folder, rows)
        labels = np.array([files[row].label for row in rows], dtype=np.int64)
        given_splits = np.array([files[row].given_split for row in rows], dtype=np.uint8)
        complete_entry(
            folder,
            labels,
            given_splits,
            self._listing.classes,
            files=[files[row].relative for row in rows],
            white=form.white,
            notes=self._broken_notes(faults),
        )

    def _decode(self, folder: Path, form: Form) -> list[str]:
        """Decodes the images into a new entry; returns, for each, why it cannot be decoded, or ""."""
        files, total = self._listing.files, len(self._listing.files)
        images = allocate_images(folder, (total, *form.shape), self._name)

        def decode_row(row: int) -> str:
            try:
                images[row] = decode_bytes(files[row].path, read_file(files[row].path), *form)
            except BrokenImageError as error:
                return error.reason
            return ""

        with silence_pillow():
            reasons = map_in_threads(decode_row, range(total), lambda done: self._progress((total + done) // 2, total))
        images.flush()
        return reasons

    def _check_broken(self, faults: dict[str, str]) -> None:
        """DataError when too many images are broken."""
        total = len(self._listing.files)
        if len(faults) > _MAX_BROKEN_SHARE * total:
            raise DataError(
                f"{self._name}: {len(faults):,} of {total:,} images cannot be read, expected at most "
                f"{_MAX_BROKEN_SHARE:.0%}; replace or remove {_name_faults(faults)}"
            )

    def _broken_notes(self, faults: dict[str, str]) -> tuple[str, ...]:
        if not faults:
            return ()
        total = len(self._listing.files)
        return (
            f"{self._name}: left out {len(faults):,} of {total:,} images that cannot be read: {_name_faults(faults)}",
        )


def _check_file(file: ImageFile) -> _CheckedFile:
    digest = ""
    try:
        content = read_file(file.path)
        digest = hashlib.sha256(content).hexdigest()
        header = read_header(file.path, content)
        return _CheckedFile(digest, header, read_range(file.path, content) if header.deep else None)
    except BrokenImageError as error:
        return _CheckedFile(digest, fault=error.reason)


def _describe(checked: Sequence[tuple[ImageFile, _CheckedFile]]) -> Pictures:
    """The median height and width of the training images, rounded, and the channels of all images."""
    headers = [check.header for _, check in checked if check.header]
    trained = [check.header for file, check in checked if check.header and file.given_split == TRAIN]
    height, width = (int(median + 0.5) for median in np.median([header[:2] for header in trained or headers], axis=0))
    channels = 1 if all(header.grey for header in headers) else 3
    ranges = [check.range for _, check in checked if check.range is not None]
    by_area = sorted((header[:2] for header in headers), key=math.prod)
    pictures = Pictures(height, width, channels, len(headers), classes=0, smallest=by_area[0], largest=by_area[-1])
    return pictures.with_range(PixelRange.join(ranges)) if ranges else pictures


def _name_faults(faults: dict[str, str]) -> str:
    return name_some([f"{printable(name)} ({reason})" for name, reason in sorted(faults.items())])
