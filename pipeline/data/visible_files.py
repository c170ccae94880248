"""The files and folders that people see: hidden ones and those of operating systems are passed over."""

import os
from collections.abc import Iterator
from pathlib import Path

from pipeline.data.decode import EXTENSIONS

_SYSTEM_FILES = ("thumbs.db", "desktop.ini", "__macosx")
"""Files and folders of operating systems, in lower case; they count as hidden."""

Entered = set[tuple[int, int]]
"""Device and inode of folders."""


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is hidden, or belongs to an operating system."""
    return name.startswith(".") or name.lower() in _SYSTEM_FILES


def ending(name: str) -> str:
    """The ending of a file name in lower case, with its dot.

    >>> ending("IMG.0001.JPG")
    '.jpg'
    """
    return os.path.splitext(name)[1].lower()


def walk(
    folder: str, relative: str, entered: Entered, hidden: list[str] | None = None
) -> Iterator[tuple[str, "os.DirEntry[str]"]]:
    """The files below a folder, each with ``relative`` and its path below the folder.

    Links are followed. No folder in ``entered`` is entered; those that are entered are added to it. The paths of hidden
    files and folders, which are passed over, are added to ``hidden``.
    """
    with os.scandir(folder) as entries:
        for entry in entries:
            if is_hidden(entry.name):
                if hidden is not None:
                    hidden.append(entry.path)
                continue
            below = join(relative, entry.name)
            if not entry.is_dir():
                yield below, entry
            elif (identity := folder_identity(entry.path)) not in entered:
                entered.add(identity)
                yield from walk(entry.path, below, entered, hidden)


def subfolders(folder: Path) -> list[str]:
    """The names of the folders in a folder, sorted."""
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir() and not is_hidden(entry.name))


def endings_in(folder: Path) -> list[str]:
    """The endings of the files in a folder, without those in its subfolders."""
    with os.scandir(folder) as entries:
        return [ending(entry.name) for entry in entries if not entry.is_dir() and not is_hidden(entry.name)]


def has_image(folder: Path) -> bool:
    """Whether an image lies in the folder itself."""
    return any(found in EXTENSIONS for found in endings_in(folder))


def folder_identity(path: str) -> tuple[int, int]:
    """Device and inode: the same for every path to a folder."""
    stat = os.stat(path)
    return stat.st_dev, stat.st_ino


def join(*parts: str) -> str:
    """A path of those parts that are not empty.

    >>> join("", "train", "cat")
    'train/cat'
    """
    return "/".join(filter(None, parts))
