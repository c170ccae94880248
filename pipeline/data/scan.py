"""The classes, splits and files of an image folder, by their names only: no file is opened."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pipeline.data.decode import EXTENSIONS
from pipeline.data.split import SPLIT_NAMES, TEST, TRAIN, VALIDATION
from pipeline.errors import DataError, printable

_SPLIT_FOLDERS = {"train": TRAIN, "val": VALIDATION, "valid": VALIDATION, "validation": VALIDATION, "test": TEST}
"""The split of each folder name, in lower case."""

_SYSTEM_FILES = ("thumbs.db", "desktop.ini", "__macosx")
"""Files and folders of operating systems, in lower case; they count as hidden."""

_EXPECTED = "expected a folder of images for each class, or train/, val/ and test/ above the classes"


class ImageFile(NamedTuple):
    """An image file.

    ``path`` is where it is and ``relative`` its path below the dataset's folder; ``size`` is in bytes, ``changed`` the
    time of its last change in ns; ``label`` and ``given_split`` are the numbers of its class and split.
    """

    path: str
    relative: str
    size: int
    changed: int
    label: int
    given_split: int


@dataclass(frozen=True)
class FolderListing:
    """Classes and image files of a folder, each sorted; ``notes`` say what was passed over, one line each."""

    classes: tuple[str, ...]
    files: tuple[ImageFile, ...]
    notes: tuple[str, ...]


class _ClassFolder(NamedTuple):
    path: str
    relative: str
    name: str
    given_split: int


def scan(root: Path) -> FolderListing:
    """The classes and image files below ``root``; DataError when they do not make a dataset.

    Hidden files and folders are passed over silently; other files that are not images are counted in a note.
    Folders inside a class folder are searched too. Links are followed, but no folder is entered twice.
    """
    try:
        splits, notes = _find_splits(root)
        folders = [folder for name, split in splits.items() for folder in _class_folders(root, name, split)]
        classes = _find_classes(root, splits, folders)
        files, ignored = _find_files(folders, classes)
        ignored += sum(_count_files(root / name) for name in {"", *splits})
    except OSError as error:
        raise DataError(f"{printable(error.filename)}: cannot be read ({error.strerror}); {_EXPECTED}") from None
    if ignored:
        which = "file that is" if ignored == 1 else "files that are"
        notes.append(f"{printable(root)}: passed over {ignored:,} {which} not an image of a class")
    files.sort(key=lambda file: file.relative)
    return FolderListing(tuple(map(printable, classes)), tuple(files), tuple(notes))


def _find_splits(root: Path) -> tuple[dict[str, int], list[str]]:
    """The split of each folder above the classes, and a note about other folders beside them.

    Where there are no such folders, ``root`` itself ("") has the training images.
    """
    names = _subfolders(root)
    splits = {name: _SPLIT_FOLDERS[name.lower()] for name in names if name.lower() in _SPLIT_FOLDERS}
    train = [name for name, split in splits.items() if split == TRAIN]
    if not any(_subfolders(root / name) for name in train):
        return {"": TRAIN}, []
    repeated = [name for name, split in splits.items() if list(splits.values()).count(split) > 1]
    if repeated:
        same = " and ".join(map(printable, repeated))
        raise DataError(f"{printable(root)}: {same} are the same split; keep one of them")
    others = [f"{printable(name)}/" for name in names if name not in splits]
    return splits, [f"{printable(root)}: passed over {', '.join(others)} beside train/"] if others else []


def _class_folders(root: Path, split_folder: str, split: int) -> Iterator[_ClassFolder]:
    for name in _subfolders(root / split_folder):
        relative = f"{split_folder}/{name}".lstrip("/")
        yield _ClassFolder(str(root / split_folder / name), relative, name, split)


def _find_classes(root: Path, splits: Mapping[str, int], folders: Sequence[_ClassFolder]) -> list[str]:
    """The names of the class folders, sorted; DataError unless there are two or more, the same in every split."""
    classes = sorted(folder.name for folder in folders if folder.given_split == TRAIN)
    if not classes:
        empty = not any(not _is_hidden(name) for name in os.listdir(root))
        problem = "the folder is empty" if empty else "no class folders in it"
        raise DataError(f"{printable(root)}: {problem}; {_EXPECTED}")
    if len(classes) == 1:
        raise DataError(
            f"{printable(root)}: only one class, {printable(classes[0])!r}, and at least two are needed; {_EXPECTED}"
        )
    for split in splits.values():
        names = {folder.name for folder in folders if folder.given_split == split}
        for name in sorted(names ^ set(classes)):
            here, there = (SPLIT_NAMES[split], "train") if name in names else ("train", SPLIT_NAMES[split])
            raise DataError(
                f"{printable(root)}: class {printable(name)!r} is in {here} and not in {there}; "
                "every split needs the same class folders"
            )
    return classes


def _find_files(folders: Sequence[_ClassFolder], classes: Sequence[str]) -> tuple[list[ImageFile], int]:
    """All image files of the class folders, and the number of other files; DataError when a class has no images."""
    labels = {name: label for label, name in enumerate(classes)}
    entered = {_identity(folder.path) for folder in folders}
    files: list[ImageFile] = []
    ignored = 0
    for folder in folders:
        before = len(files)
        for relative, entry in _walk(folder.path, folder.relative, entered):
            if not entry.name.lower().endswith(EXTENSIONS) or not entry.is_file():
                ignored += 1
                continue
            stat, label = entry.stat(), labels[folder.name]
            files.append(ImageFile(entry.path, relative, stat.st_size, stat.st_mtime_ns, label, folder.given_split))
        if len(files) == before:
            raise DataError(f"{printable(folder.path)}: no images in this class folder; add some or remove the folder")
    return files, ignored


def _walk(folder: str, relative: str, entered: set[tuple[int, int]]) -> Iterator[tuple[str, "os.DirEntry[str]"]]:
    """Everything below a folder that is not hidden and not a folder; adds the folders it enters to ``entered``."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if _is_hidden(entry.name):
                continue
            if not entry.is_dir():
                yield f"{relative}/{entry.name}", entry
            elif (identity := _identity(entry.path)) not in entered:
                entered.add(identity)
                yield from _walk(entry.path, f"{relative}/{entry.name}", entered)


def _subfolders(folder: Path) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir() and not _is_hidden(entry.name))


def _count_files(folder: Path) -> int:
    with os.scandir(folder) as entries:
        return sum(not entry.is_dir() and not _is_hidden(entry.name) for entry in entries)


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in _SYSTEM_FILES


def _identity(path: str) -> tuple[int, int]:
    """Device and inode: the same for every path to a folder."""
    stat = os.stat(path)
    return stat.st_dev, stat.st_ino
