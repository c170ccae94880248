"""Writes a look at a network to a folder: one page that holds everything, and the pictures as PNG files."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import JobError
from pipeline.report.look.page import MARK, page, png
from pipeline.report.look.sheet import filters_sheet, maps_sheet, sight_sheet
from pipeline.training.look.seen import Look

PAGE, FILTERS = "index.html", "filters.png"

_BEGINNING = 512
"""Bytes of a file among which its mark stands."""


def check_output(folder: Path) -> None:
    """JobError unless a look can be written to ``folder``: it is new, empty, or holds a look and nothing else."""
    try:
        place = folder.resolve()
        others = sorted(path.name for path in place.iterdir() if not _own(path)) if place.is_dir() else []
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
    """Writes the look, all of it or nothing, in place of an earlier one; the files written, the page first.

    ``index.html``; ``filters.png``; and for each image, numbered from 1, ``1-NAME.png`` (its classes, receptive field
    and Grad-CAM) and ``1-NAME-maps.png``. Files that are not of a look stay.
    """
    made = not folder.exists()
    place = folder.resolve()
    place.mkdir(parents=True, exist_ok=True)
    beside = place / f".{os.getpid()}"
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
    yield PAGE, page(look).encode()
    yield FILTERS, png(filters_sheet(look))
    for place, sight in enumerate(look.sights, start=1):
        stem = f"{place}-" + (re.sub(r"[^\w.+-]+", "-", Path(sight.title).stem)[:60].strip(".-") or "image")
        yield f"{stem}.png", png(sight_sheet(look, sight))
        yield f"{stem}-maps.png", png(maps_sheet(look, sight))
