"""The array cache: one folder an entry, found by a key, written beside and then renamed."""

import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.data.decode import Pixels, shown
from pipeline.errors import DataError

FORMAT = 1  # part of every key: raise it when the same files would give other arrays
ROWS = 1024  # images copied or hashed at a time
DAY = 24 * 3600.0

IMAGES, LABELS, GIVEN, META = "images.npy", "labels.npy", "splits.npy", "meta.json"


@dataclass(frozen=True, eq=False)
class Entry:
    """Arrays as they lie in the cache: ``images`` uint8 (n, h, w, c) memory-mapped, ``labels`` int64 (n,),
    ``given`` uint8 (n,) (see ``split``); ``notes`` are warnings of the decoding, to be repeated at each load.
    """

    folder: Path
    digest: str
    classes: tuple[str, ...]
    images: Pixels
    labels: NDArray[np.int64]
    given: NDArray[np.uint8]
    notes: tuple[str, ...]


class Source(Protocol):
    """Where arrays come from. The listing is cheap and names the files as they lie; the content is what is in them."""

    def listing(self) -> str:
        """A key that changes when a file is added, removed, renamed, resized or touched."""

    def content(self) -> str:
        """A key that changes only when a content does."""

    def build(self, folder: Path) -> None:
        """Writes the arrays into a fresh folder: ``allocate`` and ``seal``."""


def root() -> Path:
    """``$CONVTUNE_CACHE``, else ``convtune`` in ``$XDG_CACHE_HOME``, else ``~/.cache/convtune``."""
    own = os.environ.get("CONVTUNE_CACHE")
    caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(own or os.path.join(caches, "convtune")).expanduser().absolute()


def key(parts: Iterable[object]) -> str:
    """A file name that stands for ``parts`` and the format of the cache."""
    text = "\0".join(map(str, (FORMAT, *parts)))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def get(source: Source) -> Entry:
    """The entry of ``source``, built if there is none or it is damaged."""
    listing = source.listing()
    known = _recall(listing)
    entry = _find(known) if known else None
    if entry is not None:
        return entry
    content = source.content()
    entry = _find(content) or _make(content, source)
    _remember(listing, content)
    return entry


def read(folder: Path) -> Entry:
    """The entry in ``folder``; a DataError when it is missing or damaged."""
    try:
        meta = json.loads((folder / META).read_text("utf-8"))
        images = np.load(folder / IMAGES, mmap_mode="r", allow_pickle=False)
        labels = np.load(folder / LABELS, allow_pickle=False)
        given = np.load(folder / GIVEN, allow_pickle=False)
        entry = Entry(folder, meta["digest"], tuple(meta["classes"]), images, labels, given, tuple(meta["notes"]))
        fits = (images.shape, images.dtype, labels.shape, labels.dtype, given.shape) == (
            (tuple(meta["shape"])), np.uint8, images.shape[:1], np.int64, images.shape[:1]
        )  # fmt: skip
    except (OSError, EOFError, ValueError, TypeError, KeyError) as error:
        raise DataError(f"{folder}: no readable cache entry ({shown(error)}); load the dataset again") from None
    if not fits:
        raise DataError(f"{folder}: the arrays of this cache entry do not fit together; load the dataset again")
    return entry


def allocate(folder: Path, shape: tuple[int, int, int, int], source: str) -> "np.memmap[Any, np.dtype[np.uint8]]":
    """A writable memory-mapped array for the images of a new entry; a DataError when the disk has no room for it."""
    size = int(np.prod([float(side) for side in shape]))
    free = shutil.disk_usage(folder).free
    if size > free:
        raise DataError(
            f"{source}: its images take {size / 1e9:,.1f} GB decoded and {root()} has {free / 1e9:,.1f} GB free; "
            "choose a smaller --image-size, or a larger disk with CONVTUNE_CACHE"
        )
    return np.lib.format.open_memmap(folder / IMAGES, mode="w+", dtype=np.uint8, shape=shape)


def keep(folder: Path, rows: NDArray[np.int64]) -> None:
    """Shortens the images of a new entry to ``rows``."""
    whole = np.load(folder / IMAGES, mmap_mode="r")
    shorter = folder / "kept.npy"
    kept = np.lib.format.open_memmap(shorter, mode="w+", dtype=np.uint8, shape=(len(rows), *whole.shape[1:]))
    for start in range(0, len(rows), ROWS):
        kept[start : start + ROWS] = whole[rows[start : start + ROWS]]
    kept.flush()
    os.replace(shorter, folder / IMAGES)


def seal(
    folder: Path,
    labels: NDArray[np.int64],
    given: NDArray[np.uint8],
    classes: tuple[str, ...],
    notes: tuple[str, ...] = (),
) -> None:
    """Writes what belongs to the images of a new entry, last of all the file without which it is none."""
    images = np.load(folder / IMAGES, mmap_mode="r")
    np.save(folder / LABELS, labels)
    np.save(folder / GIVEN, given)
    digest = _digest(images, labels, given, classes)
    meta = {"digest": digest, "shape": images.shape, "classes": classes, "notes": notes}
    (folder / META).write_text(json.dumps(meta, indent=1), "utf-8")


def _digest(images: Pixels, labels: NDArray[np.int64], given: NDArray[np.uint8], classes: tuple[str, ...]) -> str:
    sha = hashlib.sha256(json.dumps([images.shape, classes]).encode())
    for start in range(0, len(images), ROWS):
        sha.update(images[start : start + ROWS].tobytes())
    sha.update(labels.tobytes())
    sha.update(given.tobytes())
    return sha.hexdigest()[:16]


def _folder(content: str) -> Path:
    return root() / "entries" / content


def _pointer(listing: str) -> Path:
    return root() / "listings" / listing


def _find(content: str) -> Entry | None:
    try:
        return read(_folder(content))
    except DataError:
        return None


def _make(content: str, source: Source) -> Entry:
    with _refusal():
        final = _folder(content)
        final.parent.mkdir(parents=True, exist_ok=True)
        _sweep(final.parent)
        fresh = _beside(final)
        fresh.mkdir()
        try:
            source.build(fresh)
            _publish(fresh, final)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return read(final)


def _publish(fresh: Path, final: Path) -> None:
    """Puts a whole entry in place, unless another process was first; a damaged one is moved out of the way."""
    for _ in range(3):
        with suppress(OSError):  # a folder that is not empty cannot be replaced by a rename
            fresh.rename(final)
            return
        if _find(final.name) is not None:
            return
        damaged = _beside(final)
        with suppress(FileNotFoundError):  # another process moved it
            final.rename(damaged)
        shutil.rmtree(damaged, ignore_errors=True)
    fresh.rename(final)


def _recall(listing: str) -> str | None:
    try:
        return _pointer(listing).read_text("ascii").strip()
    except (OSError, ValueError):
        return None


def _remember(listing: str, content: str) -> None:
    with _refusal():
        final = _pointer(listing)
        final.parent.mkdir(parents=True, exist_ok=True)
        fresh = _beside(final)
        fresh.write_text(content, "ascii")
        os.replace(fresh, final)


def _beside(final: Path) -> Path:
    return final.with_name(f".{final.name}-{secrets.token_hex(4)}")


def _sweep(entries: Path) -> None:
    """Removes what processes that were killed while they wrote have left behind."""
    for left in entries.glob(".*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > DAY:
                shutil.rmtree(left, ignore_errors=True)


@contextmanager
def _refusal() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{root()}: the cache cannot be written ({error.strerror or error}); "
            "set CONVTUNE_CACHE to a folder that can"
        ) from None
