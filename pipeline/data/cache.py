"""The array cache: one folder an entry, found by a key, written beside and then renamed."""

import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.data.decode import Pixels, Shape, shown
from pipeline.data.wanted import Wanted, exactly
from pipeline.errors import DataError

FORMAT = 1  # part of every key: raise it when the same files would give other arrays
ROWS = 1024  # images copied or hashed at a time
DAY = 24 * 3600.0

IMAGES, LABELS, GIVEN, META = "images.npy", "labels.npy", "splits.npy", "meta.json"


@dataclass(frozen=True, eq=False)
class Entry:
    """Arrays as they lie in the cache: ``images`` uint8 (n, h, w, c) memory-mapped, ``labels`` int64 (n,),
    ``given`` uint8 (n,) (see ``split``); ``notes`` are warnings of the reading, to be repeated at each load.
    """

    folder: Path
    digest: str
    classes: tuple[str, ...]
    images: Pixels
    labels: NDArray[np.int64]
    given: NDArray[np.uint8]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Content:
    """What is in a source: the ``key`` changes only when a pixel, a label or the ``shape`` of the images does.

    ``notes`` are warnings about the choice of the shape.
    """

    key: str
    shape: Shape
    notes: tuple[str, ...] = ()


class Source(Protocol):
    """Where arrays come from. The listing is cheap and names the files as they lie; the content is what is in them."""

    @property
    def place(self) -> str:
        """A key of the name or path, whatever lies there."""

    @property
    def wanted(self) -> Wanted:
        """The shape that is asked for."""

    def listing(self) -> str:
        """A key that changes when a file is added, removed, renamed, resized or touched."""

    def content(self) -> Content:
        """What is in the files, in the shape that comes of what is asked for."""

    def build(self, folder: Path) -> None:
        """Writes the arrays of ``content`` into a fresh folder: ``allocate`` and ``seal``."""


@dataclass(frozen=True)
class _Pointer:
    """Which entry holds a source as it was listed."""

    listing: str
    content: str
    notes: tuple[str, ...]


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
    known = _recall(_pointer(source.place, source.wanted))
    if known is None or known.listing != listing or (entry := _find(known.content)) is None:
        content = source.content()
        entry = _find(content.key) or _make(content.key, source)
        known = _Pointer(listing, content.key, content.notes)
        _remember(source, content.shape, known)
    return replace(entry, notes=(*known.notes, *entry.notes))


def read(folder: Path) -> Entry:
    """The entry in ``folder``, which is in use from now on; a DataError when it is missing or damaged."""
    with suppress(OSError):  # a cache that may only be read
        os.utime(folder)
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


def _pointer(place: str, wanted: Wanted) -> Path:
    return root() / "listings" / f"{place}-{key(wanted)}"


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


def _recall(pointer: Path) -> _Pointer | None:
    try:
        found = json.loads(pointer.read_text("utf-8"))
        return _Pointer(str(found["listing"]), str(found["content"]), tuple(map(str, found["notes"])))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _remember(source: Source, shape: Shape, pointer: _Pointer) -> None:
    """Points to the entry from what was asked for and from the shape that came of it; forgets older listings."""
    with _refusal():
        exact = _pointer(source.place, exactly(shape))
        exact.parent.mkdir(parents=True, exist_ok=True)
        _write(exact, replace(pointer, notes=()))
        _write(_pointer(source.place, source.wanted), pointer)
        for other in exact.parent.glob(f"{source.place}-*"):
            found = _recall(other)
            if found is None or found.listing != pointer.listing:
                other.unlink(missing_ok=True)


def _write(final: Path, pointer: _Pointer) -> None:
    fresh = _beside(final)
    fresh.write_text(json.dumps(asdict(pointer)), "utf-8")
    os.replace(fresh, final)


def _beside(final: Path) -> Path:
    return final.with_name(f".{final.name}-{secrets.token_hex(4)}")


def _sweep(entries: Path) -> None:
    """Removes what nobody has used for a day and no listing points to: older contents, and what killed processes left.

    A day, because a study opens its entry again for every trial, however its source has changed since.
    """
    pointers = map(_recall, (root() / "listings").glob("*"))
    kept = {pointer.content for pointer in pointers if pointer}
    for entry in entries.iterdir():
        with suppress(OSError):
            if entry.name not in kept and time.time() - entry.stat().st_mtime > DAY:
                shutil.rmtree(entry, ignore_errors=True)


@contextmanager
def _refusal() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{root()}: the cache cannot be written ({error.strerror or error}); "
            "set CONVTUNE_CACHE to a folder that can"
        ) from None
