"""Which folders of an image folder are classes, and of which split."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pipeline.data.decode import EXTENSIONS
from pipeline.data.listing_notes import name_some
from pipeline.data.split import SPLIT_NAMES, TRAIN
from pipeline.data.split_folders import split_folders
from pipeline.data.visible_files import endings_in, has_image, is_hidden, join, subfolders
from pipeline.errors import DataError, printable

EXPECTED = "expected a folder of images for each class, or train/, val/ and test/ above the classes"
"""What an error says at its end."""

_CANONICAL = ("train", "val", "valid", "validation", "test")
"""Paths of split folders that need no note."""


class ClassFolder(NamedTuple):
    """A folder with the images of a class. ``relative`` is its path below the dataset's folder."""

    path: str
    relative: str
    name: str
    given_split: int


class Layout(NamedTuple):
    """The class folders; the folders above them, whose own files belong to no class; notes on what was guessed."""

    classes: list[ClassFolder]
    above: list[str]
    notes: list[str]


def find_layout(root: Path) -> Layout:
    """The class folders below ``root``; DataError when there are none, or two folders are the same split.

    A folder that is alone in ``root`` is entered. Split folders are told by their names (``split_folders``) and lie
    above the class folders, or inside each of them. Where there are none, all images are there to train with.
    """
    base = _enter_single(root, "", through_splits=False)
    names = subfolders(root / base)
    if not names:
        problem = "no class folders in it" if any(not is_hidden(name) for name in os.listdir(root)) else "is empty"
        raise DataError(f"{printable(root)}: {problem.replace('is empty', 'the folder is empty')}; {EXPECTED}")
    layout = _splits_above(root, base, names) or _splits_inside(root, base, names)
    if layout is None:
        layout = Layout(list(_class_folders(root, base, TRAIN)), [base], [])
    if base:
        layout.notes.insert(0, f"{printable(root)}: the classes are taken from {printable(base)}/ in it")
    return layout


def _enter_single(root: Path, base: str, through_splits: bool) -> str:
    """``base``, or the folder inside that has more than one folder in it, if that is all there is on the way."""
    while len(names := subfolders(root / base)) == 1 and not has_image(root / base):
        inside = join(base, names[0])
        is_split = split_folders(names) and not through_splits
        if is_split or not subfolders(root / inside) or has_image(root / inside):
            break
        base = inside
    return base


def _splits_above(root: Path, base: str, names: Sequence[str]) -> Layout | None:
    """The layout with split folders above the classes; DataError when all folders are splits without classes.

    A folder called ``train`` that has no folders in it is a class if other classes lie beside it. If there are only
    images to validate and test with, there may be nothing beside them.
    """
    splits = split_folders(names)
    inside = {name: _enter_single(root, join(base, name), through_splits=True) for name in splits}
    nested = [name for name in splits if subfolders(root / inside[name])]
    if nested and (any(splits[name] == TRAIN for name in nested) or len(nested) == len(names)):
        _check_repeated(root, {name: splits[name] for name in nested})
        folders = [folder for name in nested for folder in _class_folders(root, inside[name], splits[name])]
        taken = {inside[name].removeprefix(base).lstrip("/"): splits[name] for name in nested}
        notes = [*_unusual_names(root, taken), *_passed_over(root, base, names, nested, splits)]
        return Layout(folders, [base, *(inside[name] for name in nested)], notes)
    if len(splits) < len(names):
        return None
    flat = [f"{printable(name)}/" for name in names if name not in nested]
    raise DataError(
        f"{printable(root)}: no class folders in {name_some(flat)}; expected a folder for each class, as in "
        f"{flat[0]}cat/ and {flat[0]}dog/; if {flat[0]} is a class, call it otherwise"
    )


def _splits_inside(root: Path, base: str, names: Sequence[str]) -> Layout | None:
    """The layout with train/ and test/ below each class; None unless every class folder has such and nothing else."""
    folders: list[ClassFolder] = []
    for name in names:
        inner = subfolders(root / base / name)
        splits = split_folders(inner)
        if TRAIN not in splits.values() or len(splits) < max(2, len(inner)) or has_image(root / base / name):
            return None
        for split in inner:
            relative = join(base, name, split)
            folders.append(ClassFolder(str(root / relative), relative, name, splits[split]))
    found = " and ".join(SPLIT_NAMES[split] for split in sorted({folder.given_split for folder in folders}))
    note = f"{printable(root)}: each class folder has folders for {found}, taken as splits"
    return Layout(folders, [base, *(join(base, name) for name in names)], [note])


def _class_folders(root: Path, above: str, split: int) -> Iterator[ClassFolder]:
    for name in subfolders(root / above):
        relative = join(above, name)
        yield ClassFolder(str(root / relative), relative, name, split)


def _check_repeated(root: Path, splits: Mapping[str, int]) -> None:
    repeated = [name for name, split in splits.items() if list(splits.values()).count(split) > 1]
    if repeated:
        same = " and ".join(map(printable, repeated))
        raise DataError(f"{printable(root)}: {same} are the same split; keep one of them")


def _unusual_names(root: Path, splits: Mapping[str, int]) -> Iterator[str]:
    if any(name.lower() not in _CANONICAL for name in splits):
        taken = ", ".join(f"{printable(name)}/ is {SPLIT_NAMES[split]}" for name, split in splits.items())
        yield f"{printable(root)}: taken as splits: {taken}"


def _passed_over(
    root: Path, base: str, names: Sequence[str], nested: Sequence[str], splits: Mapping[str, int]
) -> Iterator[str]:
    for name in splits:
        if name not in nested:
            count = sum(ending in EXTENSIONS for ending in endings_in(root / base / name))
            yield f"{printable(root)}: passed over {printable(name)}/, which has {count:,} images in no class folder"
    others = [f"{printable(name)}/" for name in names if name not in splits]
    if others:
        yield f"{printable(root)}: passed over {name_some(others)} beside {printable(nested[0])}/"
