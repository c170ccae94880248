"""What an image folder holds, by name only: classes, splits and files, none of them opened."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pipeline.data.decode import EXTENSIONS, shown
from pipeline.data.split import NAMES, TEST, TRAIN, VALIDATION
from pipeline.errors import DataError

SPLITS = {"train": TRAIN, "val": VALIDATION, "valid": VALIDATION, "validation": VALIDATION, "test": TEST}
EXPECTED = "expected a folder of images for each class, or train/, val/ and test/ above the classes"


class File(NamedTuple):
    """An image file: its path, its path below the folder, bytes, time of last change in ns, class and split."""

    path: str
    relative: str
    size: int
    changed: int
    label: int
    given: int


@dataclass(frozen=True)
class Listing:
    """Classes and image files of a folder, each in sorted order, and in ``notes`` what was passed over."""

    classes: tuple[str, ...]
    files: tuple[File, ...]
    notes: tuple[str, ...]


class _ClassFolder(NamedTuple):
    path: str
    relative: str
    name: str
    given: int


def scan(root: Path) -> Listing:
    """The classes and image files below ``root``; a DataError when they make no dataset.

    Hidden files and folders are passed over in silence, other files that are no images are counted in a note.
    Folders inside a class folder are searched too; links are followed, but no folder is entered twice.
    """
    try:
        splits, notes = _splits(root)
        folders = [folder for upper, given in splits.items() for folder in _class_folders(root, upper, given)]
        classes = _classes(root, splits, folders)
        files, ignored = _files(folders, classes)
        ignored += sum(_strays(root / upper) for upper in {"", *splits})
    except OSError as error:
        raise DataError(f"{shown(error.filename)}: cannot be read ({error.strerror}); {EXPECTED}") from None
    if ignored:
        notes.append(f"{shown(root)}: passed over {ignored:,} {_files_that(ignored)} no image of a class")
    files.sort(key=lambda file: file.relative)
    return Listing(tuple(map(shown, classes)), tuple(files), tuple(notes))


def _splits(root: Path) -> tuple[dict[str, int], list[str]]:
    """The folders above the classes ('' where there are none) with their splits, and a note of what lies beside."""
    top = _folders(root)
    splits = {name: SPLITS[name.lower()] for name in top if name.lower() in SPLITS}
    train = [name for name, given in splits.items() if given == TRAIN]
    if not train or not any(_folders(root / name) for name in train):
        return {"": TRAIN}, []
    twice = [name for name, given in splits.items() if list(splits.values()).count(given) > 1]
    if twice:
        raise DataError(f"{shown(root)}: {' and '.join(map(shown, twice))} are the same split; keep one of them")
    beside = [f"{shown(name)}/" for name in top if name not in splits]
    return splits, [f"{shown(root)}: passed over {', '.join(beside)} beside train/"] if beside else []


def _class_folders(root: Path, upper: str, given: int) -> Iterator[_ClassFolder]:
    for name in _folders(root / upper):
        yield _ClassFolder(str(root / upper / name), f"{upper}/{name}".lstrip("/"), name, given)


def _classes(root: Path, splits: Mapping[str, int], folders: Sequence[_ClassFolder]) -> list[str]:
    classes = sorted(folder.name for folder in folders if folder.given == TRAIN)
    if not classes:
        empty = not any(not _hidden(name) for name in os.listdir(root))
        raise DataError(f"{shown(root)}: {'the folder is empty' if empty else 'no class folders in it'}; {EXPECTED}")
    if len(classes) == 1:
        raise DataError(
            f"{shown(root)}: only one class, {shown(classes[0])!r}, and at least two are needed; {EXPECTED}"
        )
    for given in splits.values():
        names = {folder.name for folder in folders if folder.given == given}
        for name in sorted(names ^ set(classes)):
            here, there = (NAMES[given], "train") if name in names else ("train", NAMES[given])
            raise DataError(
                f"{shown(root)}: class {shown(name)!r} is in {here} and not in {there}; "
                "every split needs the same class folders"
            )
    return classes


def _files(folders: Sequence[_ClassFolder], classes: Sequence[str]) -> tuple[list[File], int]:
    """All image files of the class folders, and the number of other files."""
    labels = {name: label for label, name in enumerate(classes)}
    seen = {_identity(folder.path) for folder in folders}
    files: list[File] = []
    ignored = 0
    for folder in folders:
        before = len(files)
        for relative, entry in _walk(folder.path, folder.relative, seen):
            if not entry.name.lower().endswith(EXTENSIONS) or not entry.is_file():
                ignored += 1
                continue
            stat = entry.stat()
            files.append(File(entry.path, relative, stat.st_size, stat.st_mtime_ns, labels[folder.name], folder.given))
        if len(files) == before:
            raise DataError(f"{shown(folder.path)}: no images in this class folder; add some or remove the folder")
    return files, ignored


def _walk(folder: str, relative: str, seen: set[tuple[int, int]]) -> Iterator[tuple[str, "os.DirEntry[str]"]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if _hidden(entry.name):
                continue
            if not entry.is_dir():
                yield f"{relative}/{entry.name}", entry
            elif (identity := _identity(entry.path)) not in seen:
                seen.add(identity)
                yield from _walk(entry.path, f"{relative}/{entry.name}", seen)


def _folders(folder: Path) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir() and not _hidden(entry.name))


def _strays(folder: Path) -> int:
    with os.scandir(folder) as entries:
        return sum(not entry.is_dir() and not _hidden(entry.name) for entry in entries)


def _hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in ("thumbs.db", "desktop.ini", "__macosx")


def _identity(path: str) -> tuple[int, int]:
    stat = os.stat(path)
    return stat.st_dev, stat.st_ino


def _files_that(count: int) -> str:
    return "file that is" if count == 1 else "files that are"
