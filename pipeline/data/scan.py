"""The classes, splits and files of an image folder, by their names only: no file is opened."""

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pipeline.data.decode import EXTENSIONS
from pipeline.data.layout import EXPECTED, ClassFolder, find_layout
from pipeline.data.listing_notes import count_endings, name_some
from pipeline.data.split import SPLIT_NAMES, TRAIN
from pipeline.data.visible_files import ending, endings_in, folder_identity, walk
from pipeline.errors import DataError, printable


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
    """Classes and image files of a folder, each sorted.

    ``classes`` are those with an image, in whatever split. ``notes`` say what was passed over and how unusual folders
    were taken, one line each. ``empty`` has one line for each class folder to train with whose class has no image.
    """

    classes: tuple[str, ...]
    files: tuple[ImageFile, ...]
    notes: tuple[str, ...]
    empty: tuple[str, ...]


def scan(root: Path) -> FolderListing:
    """The classes and image files below ``root``; DataError when there are no class folders.

    Hidden files and folders are passed over silently; other files that are not images of a class are counted in a note.
    Folders inside a class folder are searched too. Links are followed, but no folder is entered twice. Class names are
    in Unicode's composed form (NFC); what is not text in them is escaped, so that they stay different.
    """
    try:
        layout = find_layout(root)
        found, ignored, nested = _find_files(layout.classes)
        empty = _find_empty(layout.classes, {name for name, _ in found}, [*nested])
        for folder in layout.above:
            ignored.update(endings_in(root / folder))
    except OSError as error:
        raise DataError(f"{printable(error.filename)}: cannot be read ({error.strerror}); {EXPECTED}") from None
    if not found:
        raise DataError(f"{printable(root)}{f'/{empty[0]}' if empty else f': no images in it; {EXPECTED}'}")
    notes = [*layout.notes, *_nested_notes(root, nested), *_ignored_notes(root, ignored)]
    classes = sorted({name for name, _ in found})
    labels = {name: label for label, name in enumerate(classes)}
    files = sorted((file._replace(label=labels[name]) for name, file in found), key=lambda file: file.relative)
    return FolderListing(tuple(classes), tuple(files), tuple(notes), empty)


def check_training(root: Path, listing: FolderListing) -> None:
    """DataError unless there are two classes or more, each with an image to train with."""
    where = printable(root)
    if listing.empty:
        raise DataError(f"{where}/{listing.empty[0]}")
    splits: list[set[int]] = [set() for _ in listing.classes]
    for file in listing.files:
        splits[file.label].add(file.given_split)
    if listing.files and not any(TRAIN in given for given in splits):
        there = " and ".join(SPLIT_NAMES[split] for split in sorted(set().union(*splits)))
        raise DataError(f"{where}: only {there} images and none to train with; {EXPECTED}")
    for name, given in zip(listing.classes, splits, strict=True):
        if TRAIN not in given:
            there = " and ".join(SPLIT_NAMES[split] for split in sorted(given))
            remedy = "add images to train with, or remove its folder"
            raise DataError(f"{where}: class {name!r} is in {there} and not in train; {remedy}")
    if len(splits) == 1:
        raise DataError(f"{where}: only one class, {listing.classes[0]!r}, and at least two are needed; {EXPECTED}")


def _find_files(
    folders: Sequence[ClassFolder],
) -> tuple[list[tuple[str, ImageFile]], Counter[str], dict[ClassFolder, list[str]]]:
    """The image files, each with the name of its class; the endings of other files; the class folders that have only
    images in folders inside, with those.
    """
    entered = {folder_identity(folder.path) for folder in folders}
    files: list[tuple[str, ImageFile]] = []
    ignored: Counter[str] = Counter()
    nested: dict[ClassFolder, list[str]] = {}
    for folder in folders:
        name, inside = _class_name(folder), set()
        for below, entry in walk(folder.path, "", entered):
            if ending(entry.name) not in EXTENSIONS or not entry.is_file():
                ignored[ending(entry.name)] += 1
                continue
            stat, relative = entry.stat(), f"{folder.relative}/{below}"
            image = ImageFile(entry.path, relative, stat.st_size, stat.st_mtime_ns, -1, folder.given_split)
            files.append((name, image))
            inside.add(below.partition("/")[0] if "/" in below else "")
        if len(inside) > 1 and "" not in inside:
            nested[folder] = sorted(inside)
    return files, ignored, nested


def _find_empty(folders: Sequence[ClassFolder], classes: set[str], nested: Sequence[ClassFolder]) -> tuple[str, ...]:
    """A line for each class folder to train with whose class has no image in any folder.

    It asks for the folder that has its images in ``nested`` folders, if there is just one.
    """
    lower = f"give {printable(nested[0].path)} if its folders are the classes, else " if len(nested) == 1 else ""
    problems = []
    for folder in folders:
        if folder.given_split == TRAIN and _class_name(folder) not in classes:
            found = Counter(ending(entry.name) for _, entry in walk(folder.path, "", {folder_identity(folder.path)}))
            has = f", but {count_endings(found)}; {lower}convert them" if found else "; add some"
            needed = f"; {EXPECTED}" if found and not lower and len(classes) < 2 else ""
            line = f"{printable(folder.relative)}: no images in this class folder{has} or remove the folder{needed}"
            problems.append(line)
    return tuple(problems)


def _class_name(folder: ClassFolder) -> str:
    return printable(unicodedata.normalize("NFC", folder.name))


def _nested_notes(root: Path, nested: Mapping[ClassFolder, Sequence[str]]) -> list[str]:
    if not nested:
        return []
    folder, inside = next(iter(nested.items()))
    folders = name_some([f"{printable(folder.relative)}/" for folder in nested])
    names = name_some([f"{printable(name)}/" for name in inside])
    if len(nested) == 1:
        line = f"{folders} is one class, with the images in its folders {names}"
        remedy = f"give {printable(folder.path)} instead"
    else:
        line = f"each is one class, with the images in its folders ({names}): {folders}"
        remedy = "put them all into one folder and give that"
    return [f"{printable(root)}: {line}; if these are the classes, {remedy}"]


def _ignored_notes(root: Path, ignored: Counter[str]) -> list[str]:
    if not ignored:
        return []
    which = "file that is" if ignored.total() == 1 else "files that are"
    what = f"passed over {ignored.total():,} {which} not an image of a class: {count_endings(ignored)}"
    return [f"{printable(root)}: {what}"]
