"""From the user's name for a dataset to the dataset."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from pipeline.data.cache import open_entry
from pipeline.data.dataset import Dataset, split_entry
from pipeline.data.folder import FolderSource
from pipeline.data.form import ChooseSize, Form, Pictures, RequestedForm, own_size
from pipeline.data.listing import Listing
from pipeline.data.named import NAMED_DATASETS, Fetch, NamedSource
from pipeline.data.npz import NpzSource
from pipeline.data.split import check_counts
from pipeline.data.visible_files import is_hidden
from pipeline.data.white_level import USUAL_SHARE
from pipeline.errors import DataError, nearest, printable

_HOT = 8
"""It is said when nearly all pixels lie below this part of white: they lose 3 bits to the few that do not."""


def _ignore_progress(done: int, total: int) -> None:
    """The default ``progress``."""


def _ignore_warning(line: str) -> None:
    """The default ``warn``."""


def load(
    source: str,
    *,
    image_size: tuple[int, int] | None = None,
    channels: int | None = None,
    choose_size: ChooseSize = own_size,
    white: int | None = None,
    for_training: bool = True,
    seed: int = 0,
    progress: Callable[[int, int], None] = _ignore_progress,
    warn: Callable[[str], None] = _ignore_warning,
    fetch: Fetch,
) -> Dataset:
    """The dataset that ``source`` names: one of ``NAMED_DATASETS``, an image folder or an .npz file.

    A named dataset wins over a folder of that name. The images are decoded at the first use and come from the cache
    from then on.

    ``image_size`` is (height, width). Without it, ``choose_size(pictures)`` is asked once a load, before any image is
    decoded; by default the images keep their size, or take the median of the training images. ``channels`` is 1 (grey)
    or 3 (RGB); without it, the images decide. ``white`` is that of the images that a model was trained on.
    ``for_training=False`` admits data that can only be measured: one class, a test split alone, few images. ``seed``
    decides the splits that are not given. ``progress(done, total)`` is called while images are decoded. ``warn`` is
    called at every load, with one line for each thing that is left out, guessed or changed. ``fetch(name, folder)`` is
    called for named datasets that must be downloaded, and writes ``name``.npz into the folder. Raises DataError.
    """
    if image_size is not None and min(image_size) < 1:
        height, width = image_size
        raise DataError(f"--image-size: expected height and width of at least 1, got {height}x{width}")
    name, arrays = _find_source(source, progress, fetch)
    for note in arrays.notes:
        warn(note)
    if for_training:
        arrays.check_training()
    listing = arrays.listing()
    requested = RequestedForm(image_size, channels, choose_size, white)

    def choose_form(pictures: Pictures) -> Form:
        form = requested.resolve(pictures)
        for note in _range_notes(printable(source), pictures, form):
            warn(note)
        return form

    entry = open_entry(arrays, choose_form)
    if for_training:
        check_counts(entry.labels, entry.given_splits, entry.classes, printable(source))
    for note in entry.notes:
        warn(note)
    return replace(split_entry(entry, name, source, seed), listing=listing)


def relist(source: str) -> Listing:
    """The present listing of a source, whose files are not read; DataError when the source is gone."""
    return _find_source(source, _ignore_progress, _fetch_nothing)[1].listing()


def _fetch_nothing(name: str, folder: Path) -> None:
    """The ``fetch`` of a source of which only the listing is asked."""


def _range_notes(source: str, pictures: Pictures, form: Form) -> Iterator[str]:
    """How pixels that are not bytes were scaled, where that is not obvious."""
    highest, white = pictures.highest, form.white
    if white in (1, 255) and highest > white:
        yield f"{source}: pixels go up to {highest:g}; taken as 0..{white}, what is above becomes white"
    if white is not None and white > 255:
        bits = "" if white == 65535 else f" ({white.bit_length()} bits)"
        yield f"{source}: pixels go up to {highest:,g}; 0..{white:,}{bits} is scaled to 0..255"
    usual = pictures.usual
    if white is not None and usual is not None and usual <= highest and usual * _HOT <= white + 1:
        yield (
            f"{source}: {USUAL_SHARE:.1%} of the pixels are below {usual:,}, and become only 0..{255 * usual // white} "
            f"of 255; if the others are faults, clip them to {max(1, usual - 1):,} and save the images again"
        )


def _beside(path: Path) -> list[str]:
    """The paths of the folders and .npz files that lie where ``path`` would lie."""
    try:
        with os.scandir(path.parent) as entries:
            found = [entry.name for entry in entries if entry.is_dir() or entry.name.lower().endswith(".npz")]
    except (OSError, ValueError):
        return []
    return [printable(path.parent / name) for name in sorted(found) if not is_hidden(name)]


def _find_source(
    source: str, progress: Callable[[int, int], None], fetch: Fetch
) -> tuple[str, FolderSource | NpzSource | NamedSource]:
    """A short name of the dataset, and where its arrays come from."""
    path = Path(os.path.expanduser(source))
    if source in NAMED_DATASETS:
        beside = [f"{source}: the set that comes with convtune; for the folder here give ./{source}"]
        return source, NamedSource(source, progress, fetch, beside if path.is_dir() else [])
    try:
        if source and path.is_dir():
            return printable(path.resolve().name), FolderSource(path, progress)
        if path.is_file() and path.suffix.lower() == ".npz":
            return printable(path.stem), NpzSource(path, progress)
        exists = bool(source) and path.exists()
    except (OSError, ValueError):  # a name that is too long for a path, or has a zero byte in it
        exists = False
    expected = "expected an image folder, an .npz file or the name of a dataset"
    if exists:
        raise DataError(f"{printable(source)}: neither a folder nor an .npz file; {expected}")
    unknown = (
        f"{printable(source) or repr(source)}: no such dataset{nearest(source, [*NAMED_DATASETS, *_beside(path)])}"
    )
    raise DataError(f"{unknown}; {expected}; the named ones are {', '.join(NAMED_DATASETS)}")
