"""Writes a look at a network to a folder: one page that holds everything, and the pictures as PNG files."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import JobError
from pipeline.report.look import draw
from pipeline.report.look.page import MARK, page, png, section
from pipeline.report.look.sheet import filters_sheet, maps_sheet, sight_sheet
from pipeline.training.look.seen import Look

PAGE, FILTERS = "index.html", "filters.png"
_UNFINISHED = ".convtune-look-"
"""Begins the name of the folder in which a process writes a look before it takes its place; one killed leaves it."""

_BEGINNING = 512
"""Bytes of a file among which its mark stands."""


def check_output(folder: Path) -> None:
    """JobError unless a look can be written to ``folder``: it is new, empty, or holds a look and nothing else.

    What a look that was killed has left counts as one.
    """
    try:
        place = folder.resolve()
        found = [path for path in place.iterdir() if not path.name.startswith(_UNFINISHED)] if place.is_dir() else []
        others = sorted(path.name for path in found if not _own(path))
        above = next(parent for parent in [place, *place.parents] if parent.exists())
        free = above.is_dir() and os.access(above, os.W_OK | os.X_OK)
    except (OSError, RuntimeError):  # a name too long, a folder that cannot be read, links in a circle
        others, free = [], False
    if others:
        named = ", ".join(others[:3]) + (", ..." if len(others) > 3 else "")
        raise JobError(
            f"--output: {folder} holds other files ({named}); expected a new folder, or one with nothing but what this "
            "command wrote"
        )
    if not free:
        raise JobError(f"--output: {folder}: cannot write there; choose another folder")


def write_look(look: Look, folder: Path) -> list[Path]:
    """Writes the look, all of it or nothing, in place of an earlier one; the files written, the page last.

    ``filters.png``; for each image, numbered from 1, ``1-NAME.png`` (its classes, receptive field and Grad-CAM) and
    ``1-NAME-maps.png``; and ``index.html``. Other files stay unless they have one of these names.
    """
    made = not folder.exists()
    place = folder.resolve()
    place.mkdir(parents=True, exist_ok=True)
    for left in place.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(left, ignore_errors=True)
    beside = place / f"{_UNFINISHED}{os.getpid()}"
    try:
        beside.mkdir()
        names = []
        for name, content in _files(look):
            (beside / name).write_bytes(content)
            names.append(name)
        for path in filter(_own, [*place.iterdir()]):
            path.unlink()
        for name in names:
            (beside / name).replace(place / name)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        if made and not any(place.iterdir()):
            place.rmdir()
    return [folder / name for name in names]


def _own(path: Path) -> bool:
    """Whether a file is one of a look."""
    if not path.is_file() or path.is_symlink():
        return False
    with path.open("rb") as file:
        return MARK.encode() in file.read(_BEGINNING)


def _files(look: Look) -> Iterator[tuple[str, bytes]]:
    filters, sections = draw.filter_grid(look.filters), []
    yield FILTERS, png(filters_sheet(look, filters))
    for place, sight in enumerate(look.sights, start=1):
        drawn = draw.drawn(sight)
        sections.append(section(look, sight, drawn, place))
        stem = f"{place}-" + (re.sub(r"[^\w.+-]+", "-", Path(sight.title).stem)[:60].strip(".-") or "image")
        yield f"{stem}.png", png(sight_sheet(look, sight, drawn))
        yield f"{stem}-maps.png", png(maps_sheet(look, sight, drawn))
    yield PAGE, page(look, filters, sections).encode()
