"""The array cache: finds the entry of a source by a key of its content, and builds the entry if there is none.

``entries/`` has one folder per content. ``listings/`` has one small file per source and requested shape. It records the
listing of the source's files and the entry that holds them, so that an unchanged source need not be read again.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Protocol

from pipeline.data.cache_entry import CacheEntry, read_entry
from pipeline.data.decode import Shape
from pipeline.data.requested_shape import RequestedShape, request_exactly
from pipeline.errors import DataError
from pipeline.files import unused_sibling, write_text

_FORMAT = 1
"""Part of every key. Raise it when the same files would give other arrays."""

KEPT_FOR = 24 * 3600.0
"""Seconds that an entry to which no listing points is kept after its last use."""


@dataclass(frozen=True)
class SourceContent:
    """The content of a source: ``key`` changes only when a pixel, a label or the ``shape`` of the images does.

    ``notes`` are warnings about the choice of the shape, one line each.
    """

    key: str
    shape: Shape
    notes: tuple[str, ...] = ()


class Source(Protocol):
    """Where arrays come from: an image folder, an .npz file or a named dataset.

    Listing its files is cheap; reading their content is not.
    """

    @property
    def location(self) -> str:
        """A key of the source's name or path, whatever its content."""

    @property
    def requested(self) -> RequestedShape:
        """The shape that the user asks for."""

    def listing_key(self) -> str:
        """A key that changes when a file is added, removed, renamed, resized or touched."""

    def read_content(self) -> SourceContent:
        """Reads all files, and derives the shape from the request and the images."""

    def build(self, folder: Path) -> None:
        """Writes the arrays into a new entry, with ``allocate_images`` and then ``complete_entry``."""


@dataclass(frozen=True)
class _ListedEntry:
    """The key of the entry that holds a source as it was listed, and the notes about its shape."""

    listing: str
    content: str
    notes: tuple[str, ...]


def cache_root() -> Path:
    """``$CONVTUNE_CACHE``, else ``convtune`` in ``$XDG_CACHE_HOME``, else ``~/.cache/convtune``."""
    own = os.environ.get("CONVTUNE_CACHE")
    caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(own or os.path.join(caches, "convtune")).expanduser().absolute()


def cache_key(parts: Iterable[object]) -> str:
    """A file name that stands for ``parts`` and the format of the cache."""
    text = "\0".join(map(str, (_FORMAT, *parts)))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def open_entry(source: Source) -> CacheEntry:
    """The entry of ``source``, built if it is missing or damaged; DataError when the cache cannot be written."""
    listing = source.listing_key()
    listed = _read_listed(_listed_file(source.location, source.requested))
    if listed is None or listed.listing != listing or (entry := _find_entry(listed.content)) is None:
        content = source.read_content()
        entry = _find_entry(content.key) or _build_entry(content.key, source)
        listed = _ListedEntry(listing, content.key, content.notes)
        _remember(source, content.shape, listed)
    return replace(entry, notes=(*listed.notes, *entry.notes))


def _entry_folder(content_key: str) -> Path:
    return cache_root() / "entries" / content_key


def _listed_file(location: str, requested: RequestedShape) -> Path:
    return cache_root() / "listings" / f"{location}-{cache_key(requested)}"


def _find_entry(content_key: str) -> CacheEntry | None:
    try:
        return read_entry(_entry_folder(content_key))
    except DataError:
        return None


def _build_entry(content_key: str, source: Source) -> CacheEntry:
    with _write_errors():
        final = _entry_folder(content_key)
        final.parent.mkdir(parents=True, exist_ok=True)
        _remove_unused(final.parent)
        temporary = unused_sibling(final)
        temporary.mkdir()
        try:
            source.build(temporary)
            _publish(temporary, final)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return read_entry(final)


def _publish(temporary: Path, final: Path) -> None:
    """Moves a complete entry to its final place, unless another process was first; a damaged one there is removed."""
    for _ in range(3):
        with suppress(OSError):  # a rename cannot replace a folder that is not empty
            temporary.rename(final)
            return
        if _find_entry(final.name) is not None:
            return
        damaged = unused_sibling(final)
        with suppress(FileNotFoundError):  # another process has moved it
            final.rename(damaged)
        shutil.rmtree(damaged, ignore_errors=True)
    temporary.rename(final)


def _read_listed(file: Path) -> _ListedEntry | None:
    try:
        content = json.loads(file.read_text("utf-8"))
        return _ListedEntry(str(content["listing"]), str(content["content"]), tuple(map(str, content["notes"])))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _remember(source: Source, shape: Shape, listed: _ListedEntry) -> None:
    """Lists the entry under the requested shape and under the resulting one; forgets older listings of the source."""
    with _write_errors():
        exact = _listed_file(source.location, request_exactly(shape))
        write_text(exact, json.dumps(asdict(replace(listed, notes=()))))
        write_text(_listed_file(source.location, source.requested), json.dumps(asdict(listed)))
        for file in exact.parent.glob(f"{source.location}-*"):
            other = _read_listed(file)
            if other is None or other.listing != listed.listing:
                file.unlink(missing_ok=True)


def _remove_unused(entries: Path) -> None:
    """Removes entries that no listing points to and nobody has used for a day, and the leftovers of killed processes.

    They are kept for a day because a study opens its entry for every trial, even if its source has changed since.
    """
    listed = map(_read_listed, (cache_root() / "listings").glob("*"))
    kept = {entry.content for entry in listed if entry}
    for folder in entries.iterdir():
        with suppress(OSError):
            if folder.name not in kept and time.time() - folder.stat().st_mtime > KEPT_FOR:
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _write_errors() -> Iterator[None]:
    """Turns an OSError into a DataError that names the cache."""
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{cache_root()}: the cache cannot be written ({error.strerror or error}); "
            "set CONVTUNE_CACHE to a writable folder"
        ) from None
