"""The array cache: finds the entry of a source by a key of its content, and builds the entry if there is none.

``entries/`` has one folder per content and form. ``listings/`` has one small file per source: the listing of its
files, the key of their content and what their images are, so that an unchanged source need not be read again.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pipeline.data.cache_entry import CacheEntry, content_of, entry_name, read_entry
from pipeline.data.form import Form, Pictures
from pipeline.data.listing import Listing, describe_change
from pipeline.errors import DataError
from pipeline.files import unused_sibling, write_text

_FORMAT = 2
"""Part of every key. Raise it when the same files would give other arrays."""

KEPT_FOR = 24 * 3600.0
"""Seconds that an entry to which no listing points is kept after its last use."""


@dataclass(frozen=True)
class SourceContent:
    """The content of a source: ``key`` changes only when a pixel, a label or a given split does."""

    key: str
    pictures: Pictures


class Source(Protocol):
    """Where arrays come from: an image folder, an .npz file or a named dataset.

    Listing its files is cheap; reading their content is not.
    """

    @property
    def location(self) -> str:
        """A key of the source's name or path, whatever its content."""

    @property
    def notes(self) -> Sequence[str]:
        """Lines for every load about files that were passed over and guesses that were made."""

    def check_training(self) -> None:
        """DataError when it is clear before any image is decoded that there are too few to train with."""

    def listing(self) -> Listing:
        """The names, sizes and times of its files, as they are now."""

    def again(self) -> "Source":
        """The same source, whose listing is a new one; DataError when it cannot be listed any more."""

    def read_content(self) -> SourceContent:
        """Reads all files, and decodes no image."""

    def build(self, folder: Path, form: Form) -> None:
        """Writes images of this form into a new entry, with ``allocate_images`` and then ``complete_entry``.

        ``read_content`` may have been called in an earlier process.
        """


def cache_root() -> Path:
    """``$CONVTUNE_CACHE``, else ``convtune`` in ``$XDG_CACHE_HOME``, else ``~/.cache/convtune``."""
    own = os.environ.get("CONVTUNE_CACHE")
    caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(own or os.path.join(caches, "convtune")).expanduser().absolute()


def cache_key(parts: Iterable[object]) -> str:
    """A file name that stands for ``parts`` and the format of the cache."""
    text = "\0".join(map(str, (_FORMAT, *parts)))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def open_entry(source: Source, choose_form: Callable[[Pictures], Form]) -> CacheEntry:
    """The entry of ``source`` in the form that ``choose_form`` gives for its images.

    The entry is built if it is missing or damaged. DataError when the cache cannot be written, and when the source
    changes meanwhile: nothing is kept then.
    """
    listing = source.listing()
    listed = _read_listed(source.location, listing)
    content = listed or source.read_content()
    form = choose_form(content.pictures)
    folder = _entry_folder(entry_name(content.key, form))
    entry = _find_entry(folder)
    if entry is None:
        entry = _build_entry(folder, source, form, listing)
    elif listed is None:
        _check_unchanged(source, listing)
    if listed is None:
        _remember(source.location, listing, content)
    return entry


def _entry_folder(name: str) -> Path:
    return cache_root() / "entries" / name


def _listing_file(location: str) -> Path:
    return cache_root() / "listings" / location


def _find_entry(folder: Path) -> CacheEntry | None:
    try:
        return read_entry(folder)
    except DataError:
        return None


def _build_entry(folder: Path, source: Source, form: Form, listing: Listing) -> CacheEntry:
    def build(temporary: Path) -> None:
        _remove_unused(folder.parent)
        source.build(temporary, form)
        _check_unchanged(source, listing)

    return write_entry(folder, build)


def _check_unchanged(source: Source, before: Listing) -> None:
    """DataError if the source has other files than before: which of them have been read is not known."""
    now = source.again().listing()
    if now != before:
        raise DataError(
            f"{before.place}: changed while its images were read: {describe_change(before, now)}; "
            "nothing is kept of it; wait until nothing writes there, and run this again"
        )


def write_entry(final: Path, write: Callable[[Path], None]) -> CacheEntry:
    """The entry of the folder ``final``, which ``write`` fills elsewhere; DataError when the cache cannot be written.

    It is in its place when it is complete, and not at all if ``write`` raises.
    """
    with _write_errors():
        final.parent.mkdir(parents=True, exist_ok=True)
        temporary = unused_sibling(final)
        temporary.mkdir()
        try:
            write(temporary)
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
        if _find_entry(final) is not None:
            return
        damaged = unused_sibling(final)
        with suppress(FileNotFoundError):  # another process has moved it
            final.rename(damaged)
        shutil.rmtree(damaged, ignore_errors=True)
    temporary.rename(final)


def _read_listed(location: str, listing: Listing) -> SourceContent | None:
    """The content of the source when its files were listed so; None when they never were."""
    try:
        listed = json.loads(_listing_file(location).read_text("utf-8"))
        pictures = Pictures(**listed["pictures"])
        pictures = pictures._replace(smallest=_pair(pictures.smallest), largest=_pair(pictures.largest))
        known = listed["listing"] == listing.key and "largest" in listed["pictures"]
        return SourceContent(str(listed["content"]), pictures) if known else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _pair(sides: Sequence[int] | None) -> tuple[int, int] | None:
    """Height and width, for which JSON has a list."""
    return None if sides is None else (sides[0], sides[1])


def _remember(location: str, listing: Listing, content: SourceContent) -> None:
    with _write_errors():
        listed = {"listing": listing.key, "content": content.key, "pictures": content.pictures._asdict()}
        write_text(_listing_file(location), json.dumps(listed))


def _remove_unused(entries: Path) -> None:
    """Removes entries that no listing points to and nobody has used for a day, and the leftovers of killed processes.

    They are kept for a day because a study opens its entry for every trial, even if its source has changed since.
    """
    listed = {_listed_content(file) for file in (cache_root() / "listings").glob("*")}
    for folder in entries.iterdir():
        with suppress(OSError):
            if content_of(folder) not in listed and time.time() - folder.stat().st_mtime > KEPT_FOR:
                shutil.rmtree(folder, ignore_errors=True)


def _listed_content(file: Path) -> str:
    """The key of the content that a listing points to; "" for a damaged one, and for one of an older format."""
    try:
        listed = json.loads(file.read_text("utf-8"))
        return str(listed["content"]) if "pictures" in listed else ""
    except (OSError, ValueError, TypeError, KeyError):
        return ""


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
