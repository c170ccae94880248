"""From the user's name for a dataset to the dataset."""

import os
from collections.abc import Callable
from pathlib import Path

from pipeline.data.cache import open_entry
from pipeline.data.dataset import Dataset, split_entry
from pipeline.data.folder import FolderSource
from pipeline.data.named import NAMED_DATASETS, Fetch, NamedSource
from pipeline.data.npz import NpzSource
from pipeline.data.requested_shape import RequestedShape
from pipeline.errors import DataError, nearest, printable


def _ignore_progress(done: int, total: int) -> None:
    """The default ``progress``."""


def _ignore_warning(line: str) -> None:
    """The default ``warn``."""


def load(
    source: str,
    *,
    image_size: tuple[int, int] | None = None,
    channels: int | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] = _ignore_progress,
    warn: Callable[[str], None] = _ignore_warning,
    fetch: Fetch,
) -> Dataset:
    """The dataset that ``source`` names: one of ``NAMED_DATASETS``, an image folder or an .npz file.

    A named dataset wins over a folder of that name. The images are decoded at the first use and come from the cache
    from then on.

    ``image_size`` is (height, width); without it, folders take the median of their training images, and arrays keep
    their size. ``channels`` is 1 (grey) or 3 (RGB); without it, the images decide. ``seed`` decides the splits that are
    not given. ``progress(done, total)`` is called while images are decoded. ``warn`` is called at every load, with one
    line for each thing that is left out or changed. ``fetch(name, folder)`` is called for named datasets that must be
    downloaded, and writes ``name``.npz into the folder. Raises DataError.
    """
    if image_size is not None and min(image_size) < 1:
        height, width = image_size
        raise DataError(f"--image-size: expected height and width of at least 1, got {height}x{width}")
    name, arrays = _find_source(source, RequestedShape(image_size, channels), progress, fetch)
    entry = open_entry(arrays)
    for note in (*arrays.notes, *entry.notes):
        warn(note)
    return split_entry(entry, name, source, seed)


def _find_source(
    source: str, requested: RequestedShape, progress: Callable[[int, int], None], fetch: Fetch
) -> tuple[str, FolderSource | NpzSource | NamedSource]:
    """A short name of the dataset, and where its arrays come from."""
    if source in NAMED_DATASETS:
        return source, NamedSource(source, requested, progress, fetch)
    path = Path(os.path.expanduser(source))
    try:
        if source and path.is_dir():
            return printable(path.resolve().name), FolderSource(path, requested, progress)
        if path.is_file() and path.suffix.lower() == ".npz":
            return printable(path.stem), NpzSource(path, requested, progress)
        exists = bool(source) and path.exists()
    except (OSError, ValueError):  # a name that is too long for a path, or has a zero byte in it
        exists = False
    expected = "expected an image folder, an .npz file or the name of a dataset"
    if exists:
        raise DataError(f"{printable(source)}: neither a folder nor an .npz file; {expected}")
    unknown = f"{printable(source) or repr(source)}: no such dataset{nearest(source, NAMED_DATASETS)}"
    raise DataError(f"{unknown}; {expected}; the named ones are {', '.join(NAMED_DATASETS)}")
