"""From what a user calls a dataset to the dataset."""

import os
from collections.abc import Callable
from pathlib import Path

from pipeline.data import cache
from pipeline.data.dataset import Dataset, from_entry
from pipeline.data.decode import shown
from pipeline.data.folder import Folder
from pipeline.data.named import NAMED, Fetch, Named
from pipeline.data.npz import Npz
from pipeline.data.wanted import Wanted
from pipeline.errors import DataError, nearest


def _unseen(done: int, total: int) -> None:
    """Progress that nobody watches."""


def _unheard(line: str) -> None:
    """A warning that nobody reads."""


def load(
    source: str,
    *,
    image_size: tuple[int, int] | None = None,
    channels: int | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] = _unseen,
    warn: Callable[[str], None] = _unheard,
    fetch: Fetch,
) -> Dataset:
    """The dataset that ``source`` names: one of ``NAMED`` (which wins over a folder of that name), else an image
    folder or an .npz file. It is decoded on first use and comes from the cache from then on.

    ``image_size`` is (height, width); without it folders take the median of their training images, arrays stay.
    ``channels`` are 1 (grey) or 3 (RGB); without them they are those of the images.
    ``seed`` decides the splits that are not given. ``progress(done, total)`` is called while images are decoded,
    ``warn`` with a line for whatever is left out or changed, at every load. ``fetch(name, folder)`` is called for
    named sets that must be downloaded, and leaves ``name``.npz in the folder. Raises DataError.
    """
    if image_size is not None and min(image_size) < 1:
        height, width = image_size
        raise DataError(f"--image-size: expected height and width of at least 1, got {height}x{width}")
    name, found = _source(source, Wanted(image_size, channels), progress, fetch)
    entry = cache.get(found)
    for note in (*found.notes, *entry.notes):
        warn(note)
    return from_entry(entry, name, source, seed)


def _source(
    source: str, wanted: Wanted, progress: Callable[[int, int], None], fetch: Fetch
) -> tuple[str, Folder | Npz | Named]:
    """A short name, and where the arrays come from."""
    if source in NAMED:
        return source, Named(source, wanted, progress, fetch)
    path = Path(os.path.expanduser(source))
    try:
        if source and path.is_dir():
            return shown(path.resolve().name), Folder(path, wanted, progress)
        if path.is_file() and path.suffix.lower() == ".npz":
            return shown(path.stem), Npz(path, wanted, progress)
        exists = bool(source) and path.exists()
    except (OSError, ValueError):  # a name too long for a path, or with a zero byte in it
        exists = False
    expected = "expected an image folder, an .npz file or the name of a dataset"
    if exists:
        raise DataError(f"{shown(source)}: neither a folder nor an .npz file; {expected}")
    which = f"{shown(source) or repr(source)}: no such dataset{nearest(source, NAMED)}"
    raise DataError(f"{which}; {expected}; the named ones are {', '.join(NAMED)}")
