"""Writes an explanation to a folder: one page that holds everything, and contact sheets as PNG files."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.errors import JobError
from pipeline.executors import Progress
from pipeline.explain.contact_sheet import activation_maps_contact_sheet, filters_contact_sheet, image_contact_sheet
from pipeline.explain.explanation import Explanation
from pipeline.explain.page import build_section, render_page
from pipeline.explain.png import MARK, png
from pipeline.explain.render import render, render_filters

PAGE, FILTERS = "index.html", "filters.png"

_UNFINISHED = ".convtune-explain-"
"""Prefix of the folder into which a process writes before the files take their place; a killed process leaves it."""

_BEGINNING = 512
"""Bytes at the beginning of a file that are searched for the mark."""

_NAMED_FILES = 3
"""Files of others that an error names."""

_STEM_LENGTH = 60
"""Characters of an image's name that the names of its files keep."""


def check_output(folder: Path) -> None:
    """JobError unless an explanation can be written to ``folder``.

    The folder must be new, be empty, or hold an explanation and nothing else. The rest of an explanation that was
    killed counts as one.
    """
    try:
        path = folder.resolve()
        files = [file for file in path.iterdir() if not file.name.startswith(_UNFINISHED)] if path.is_dir() else []
        others = sorted(file.name for file in files if not _is_marked(file))
        existing = next(parent for parent in [path, *path.parents] if parent.exists())
        writable = existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)
    except (OSError, RuntimeError):  # a name too long, a folder that cannot be read, links in a circle
        others, writable = [], False
    if others:
        names = ", ".join(others[:_NAMED_FILES]) + (", ..." if len(others) > _NAMED_FILES else "")
        raise JobError(
            f"--output: {folder} holds other files ({names}); expected a new folder, or one with nothing but what this "
            "command wrote"
        )
    if not writable:
        raise JobError(f"--output: {folder}: cannot write there; choose another folder")


def write_explanation(
    explanation: Explanation, folder: Path, progress: Progress = lambda done, total: None
) -> list[Path]:
    """Writes the explanation, all of it or nothing, in place of an earlier one. Returns the files, the page last.

    The files are ``filters.png``; for each image, numbered from 1, ``1-NAME.png`` (its probabilities, receptive field
    and Grad-CAM) and ``1-NAME-maps.png``; and ``index.html``. Other files stay unless they have one of these names.
    ``progress(done, total)`` counts the images.
    """
    is_new = not folder.exists()
    target = folder.resolve()
    target.mkdir(parents=True, exist_ok=True)
    _remove_unfinished(target)
    try:
        with tempfile.TemporaryDirectory(prefix=_UNFINISHED, dir=target) as unfinished:
            names = _write_files(explanation, Path(unfinished), progress)
            _replace_files(Path(unfinished), target, names)
    finally:
        if is_new and not any(target.iterdir()):
            target.rmdir()
    return [folder / name for name in names]


def remove_explanation(folder: Path) -> None:
    """Removes an explanation, and its folder unless the files of others are there. A link stays, and what it names."""
    if folder.is_symlink() or not folder.is_dir():
        return
    _remove_unfinished(folder)
    _remove_marked(folder)
    if not any(folder.iterdir()):
        folder.rmdir()


def _remove_unfinished(folder: Path) -> None:
    for leftover in folder.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _remove_marked(folder: Path) -> None:
    for file in filter(_is_marked, [*folder.iterdir()]):
        file.unlink()


def _write_files(explanation: Explanation, folder: Path, progress: Progress) -> list[str]:
    names = []
    for name, content in _files(explanation, progress):
        (folder / name).write_bytes(content)
        names.append(name)
    return names


def _replace_files(new: Path, target: Path, names: Sequence[str]) -> None:
    """Moves the new files to ``target`` and removes those of an earlier explanation.

    The folder itself is not replaced: it may be the current folder, and it may hold the files of others.
    """
    _remove_marked(target)
    for name in names:
        (new / name).replace(target / name)


def _is_marked(file: Path) -> bool:
    """Whether a file belongs to an explanation; False if it cannot be read."""
    if not file.is_file() or file.is_symlink():
        return False
    try:
        with file.open("rb") as content:
            return MARK.encode() in content.read(_BEGINNING)
    except OSError:
        return False


def _files(explanation: Explanation, progress: Progress) -> Iterator[tuple[str, bytes]]:
    """Names and contents; the pictures of one image at a time are in memory."""
    filters, sections = render_filters(explanation.filters), []
    yield FILTERS, png(filters_contact_sheet(explanation, filters))
    for number, image in enumerate(explanation.images, start=1):
        rendered = render(image)
        sections.append(build_section(explanation, image, rendered))
        stem = f"{number}-{_file_stem(image.title)}"
        yield f"{stem}.png", png(image_contact_sheet(explanation, image, rendered))
        yield f"{stem}-maps.png", png(activation_maps_contact_sheet(explanation, image, rendered))
        progress(number, len(explanation.images))
    yield PAGE, render_page(explanation, filters, sections).encode()


def _file_stem(title: str) -> str:
    """The image's name without its suffix, fit for a file name.

    >>> _file_stem("my photo (1).png")
    'my-photo-1'
    """
    return re.sub(r"[^\w.+-]+", "-", Path(title).stem)[:_STEM_LENGTH].strip(".-") or "image"
