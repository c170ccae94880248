"""One entry of the array cache: a folder with the arrays of a dataset. How it is written, and how it is read."""

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.data.copies import find_copies
from pipeline.data.decode import Pixels
from pipeline.data.form import Form
from pipeline.errors import DataError, printable
from pipeline.files import replacing

_ROWS = 1024
"""Images that are copied or hashed at a time."""

_IMAGES, _LABELS, _GIVEN_SPLITS, _COPIES = "images.npy", "labels.npy", "splits.npy", "copies.npy"
_FILES, _METADATA = "files.json", "meta.json"


@dataclass(frozen=True, eq=False)
class CacheEntry:
    """The arrays of a dataset in the cache.

    ``images`` is uint8 (n, height, width, channels), memory-mapped and read-only; ``labels`` int64 (n,);
    ``given_splits`` uint8 (n,), see ``pipeline.data.split``. ``digest`` stands for all of them and the ``classes``.
    ``copy_of`` int64 (n,) is the first row with the same pixels: its own where no row before has them. ``white`` is the
    stored value that became 255 (None: pixels were bytes), ``highest`` the highest pixel. ``notes`` are the warnings
    from when the entry was built, one line each; every load repeats them.
    """

    folder: Path
    digest: str
    classes: tuple[str, ...]
    images: Pixels
    labels: NDArray[np.int64]
    given_splits: NDArray[np.uint8]
    copy_of: NDArray[np.int64]
    white: int | None
    highest: int
    notes: tuple[str, ...]


def entry_name(content: str, form: Form) -> str:
    """The name of the folder of an entry: the key of its content, then the form of its images.

    >>> entry_name("5d41402a", Form((32, 48, 3))), entry_name("5d41402a", Form((32, 48, 1), 4095))
    ('5d41402a-32x48x3', '5d41402a-32x48x1-4095')
    """
    white = [] if form.white is None else [str(form.white)]
    return "-".join([content, "x".join(map(str, form.shape)), *white])


def content_of(folder: Path) -> str:
    """The key of the content of an entry, whatever the form of its images."""
    return folder.name.partition("-")[0]


def allocate_images(
    folder: Path, shape: tuple[int, int, int, int], source: str
) -> "np.memmap[Any, np.dtype[np.uint8]]":
    """A writable memory-mapped array for the images of a new entry; DataError when the disk has no room for it.

    ``source`` names the dataset in that error.
    """
    size, free = prod(shape), shutil.disk_usage(folder).free
    if size > free:
        raise DataError(
            f"{source}: its images take {size / 1e9:,.1f} GB decoded and {folder.parent} has {free / 1e9:,.1f} GB "
            "free; choose a smaller --image-size, or a larger disk with CONVTUNE_CACHE"
        )
    return np.lib.format.open_memmap(folder / _IMAGES, mode="w+", dtype=np.uint8, shape=shape)


def keep_images(folder: Path, rows: NDArray[np.int64]) -> None:
    """Removes all images of a new entry but those in ``rows``."""
    images = np.load(folder / _IMAGES, mmap_mode="r")
    shape = len(rows), *images.shape[1:]
    with replacing(folder / _IMAGES) as temporary:
        kept = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.uint8, shape=shape)
        for start in range(0, len(rows), _ROWS):
            kept[start : start + _ROWS] = images[rows[start : start + _ROWS]]
        kept.flush()


def complete_entry(
    folder: Path,
    labels: NDArray[np.int64],
    given_splits: NDArray[np.uint8],
    classes: tuple[str, ...],
    *,
    files: Sequence[str] = (),
    white: int | None = None,
    notes: tuple[str, ...] = (),
) -> None:
    """Writes everything but the images of a new entry. ``files`` are the paths of the images, if they are files.

    The metadata come last: without them it is not an entry.
    """
    images = np.load(folder / _IMAGES, mmap_mode="r")
    np.save(folder / _LABELS, labels)
    np.save(folder / _GIVEN_SPLITS, given_splits)
    np.save(folder / _COPIES, find_copies(images))
    (folder / _FILES).write_text(json.dumps(files), "ascii")
    digest = _digest(images, labels, given_splits, classes)
    metadata = {
        "digest": digest,
        "shape": images.shape,
        "classes": classes,
        "white": white,
        "highest": int(images.max(initial=0)),
        "notes": notes,
    }
    (folder / _METADATA).write_text(json.dumps(metadata, indent=1), "utf-8")


def read_file_names(folder: Path) -> list[str]:
    """The path of each image below the dataset's folder; empty if the images come from arrays."""
    names: list[str] = json.loads((folder / _FILES).read_text("ascii"))
    return names


def read_entry(folder: Path) -> CacheEntry:
    """The entry in ``folder``, marked as used now; DataError when it is missing or damaged."""
    with suppress(OSError):  # the cache may be read-only
        os.utime(folder)
    try:
        entry, shape = _read_arrays(folder)
    except (OSError, EOFError, ValueError, TypeError, KeyError) as error:
        raise DataError(f"{folder}: not a readable cache entry ({printable(error)}); load the dataset again") from None
    images, labels, given_splits = entry.images, entry.labels, entry.given_splits
    fits = images.shape == shape and labels.shape == given_splits.shape == entry.copy_of.shape == shape[:1]
    if not fits or images.dtype != np.uint8 or labels.dtype != np.int64:
        raise DataError(f"{folder}: the arrays of this cache entry do not fit together; load the dataset again")
    return entry


def _read_arrays(folder: Path) -> tuple[CacheEntry, tuple[int, ...]]:
    """The entry, and the shape that its images must have according to its metadata."""
    metadata = json.loads((folder / _METADATA).read_text("utf-8"))
    os.stat(folder / _FILES)  # read when a name is wanted, and must be there then
    images = np.load(folder / _IMAGES, mmap_mode="r", allow_pickle=False)
    labels = np.load(folder / _LABELS, allow_pickle=False)
    given_splits = np.load(folder / _GIVEN_SPLITS, allow_pickle=False)
    copy_of = np.load(folder / _COPIES, allow_pickle=False)
    classes, notes = tuple(metadata["classes"]), tuple(metadata["notes"])
    arrays = images, labels, given_splits, copy_of
    entry = CacheEntry(folder, metadata["digest"], classes, *arrays, metadata["white"], metadata["highest"], notes)
    return entry, tuple(metadata["shape"])


def _digest(
    images: Pixels, labels: NDArray[np.int64], given_splits: NDArray[np.uint8], classes: tuple[str, ...]
) -> str:
    """16 hexadecimal digits that stand for the content."""
    sha = hashlib.sha256(json.dumps([images.shape, classes]).encode())
    for start in range(0, len(images), _ROWS):
        sha.update(images[start : start + _ROWS].tobytes())
    sha.update(labels.tobytes())
    sha.update(given_splits.tobytes())
    return sha.hexdigest()[:16]
