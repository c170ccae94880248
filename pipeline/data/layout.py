"""Which folders of an image folder are classes, and of which split."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pipeline.data.decode import EXTENSIONS
from pipeline.data.listing_notes import name_some
from pipeline.data.split import SPLIT_NAMES, TRAIN
from pipeline.data.split_folders import split_folders
from pipeline.data.visible_files import endings_in, has_image, is_hidden, join, subfolders
from pipeline.errors import DataError, printable

EXPECTED = "expected a folder of images for each class, or train/, val/ and test/ above the classes"
"""The end of an error message."""

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
    above the class folders, or inside each of them. Where there are none, all images are there to train with. DataError
    too when one of several folders has splits with classes of its own.
    """
    base = _enter_single(root, "", through_splits=False)
    names = subfolders(root / base)
    if not names:
        problem = "the folder is empty" if all(map(is_hidden, os.listdir(root))) else "no class folders in it"
        raise DataError(f"{printable(root)}: {problem}; {EXPECTED}")
    layout = _splits_above(root, base, names)
    if layout is None:
        _check_no_datasets(root, base, names)
        layout = _splits_inside(root, base, names) or _classes_only(root, base, names)
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
    images to validate and test with, there may be nothing beside them, or the same classes to train with.
    """
    splits = split_folders(names)
    inside = {name: _enter_single(root, join(base, name), through_splits=True) for name in splits}
    nested = {name: split for name, split in splits.items() if subfolders(root / inside[name])}
    beside = [name for name in names if name not in nested]
    whole = TRAIN in nested.values() or not beside
    if not whole and len(splits) == len(names):
        raise _no_classes_in(root, beside)
    if not nested:
        return None
    _check_repeated(root, nested)
    folders = [folder for name in nested for folder in _class_folders(root, inside[name], splits[name])]
    trained: list[str] = []
    if not whole:
        classes = {folder.name for folder in folders}
        _check_beside(root, next(iter(nested)), classes, beside)
        trained = [name for name in beside if name not in splits or name in classes]
        folders = [*(folder for folder in _class_folders(root, base, TRAIN) if folder.name in trained), *folders]
    taken = {inside[name].removeprefix(base).lstrip("/"): split for name, split in nested.items()}
    passed_over = [name for name in beside if name not in trained]
    notes = [*_unusual_names(root, taken, bool(trained)), *_passed_over(root, base, passed_over, [*nested], splits)]
    return Layout(folders, [base, *(inside[name] for name in nested)], notes)


def _no_classes_in(root: Path, names: Sequence[str]) -> DataError:
    flat = [f"{printable(name)}/" for name in names]
    return DataError(
        f"{printable(root)}: no class folders in {name_some(flat)}; expected a folder for each class, as in "
        f"{flat[0]}cat/ and {flat[0]}dog/; if {flat[0]} is a class, call it otherwise"
    )


def _check_beside(root: Path, split: str, classes: Iterable[str], beside: Sequence[str]) -> None:
    """DataError unless all classes in a folder called as a split lie beside it too."""
    unknown = [f"{printable(name)}/" for name in sorted(set(classes).difference(beside))]
    if unknown:
        where = f"{printable(split)}/"
        raise DataError(
            f"{printable(root)}: {where} has the name of a split, and {name_some(unknown)} in it but not beside it; "
            f"put what is to train with into train/, or call {where} otherwise if it is a class"
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


def _classes_only(root: Path, base: str, names: Sequence[str]) -> Layout:
    """The layout without splits. A note names folders that are called as a split."""
    held_out = [f"{printable(name)}/" for name, split in split_folders(names).items() if split != TRAIN]
    note = f"{printable(root)}: taken as a class, since there are no class folders in it: {name_some(held_out)}"
    return Layout(list(_class_folders(root, base, TRAIN)), [base], [note] if held_out else [])


def _check_no_datasets(root: Path, base: str, names: Sequence[str]) -> None:
    """DataError if one of the folders has splits with class folders in it, as in 2024/train/cat/."""
    for name in names:
        for split in split_folders(subfolders(root / base / name)):
            relative = join(base, name, split)
            if subfolders(root / relative) and not has_image(root / relative):
                raise DataError(
                    f"{printable(root)}: {printable(relative)}/ is a split inside {printable(name)}/; "
                    f"give {printable(root / base / name)}, or merge all into one folder of splits"
                )


def _class_folders(root: Path, above: str, split: int) -> Iterator[ClassFolder]:
    for name in subfolders(root / above):
        relative = join(above, name)
        yield ClassFolder(str(root / relative), relative, name, split)


def _check_repeated(root: Path, splits: Mapping[str, int]) -> None:
    repeated = [name for name, split in splits.items() if list(splits.values()).count(split) > 1]
    if repeated:
        same = " and ".join(map(printable, repeated))
        raise DataError(f"{printable(root)}: {same} are the same split; keep one of them")


def _unusual_names(root: Path, splits: Mapping[str, int], trained_beside: bool) -> Iterator[str]:
    if trained_beside or any(name.lower() not in _CANONICAL for name in splits):
        taken = [f"{printable(name)}/ is {SPLIT_NAMES[split]}" for name, split in splits.items()]
        taken += ["the folders beside are train"] if trained_beside else []
        yield f"{printable(root)}: taken as splits: {', '.join(taken)}"


def _passed_over(
    root: Path, base: str, names: Sequence[str], nested: Sequence[str], splits: Mapping[str, int]
) -> Iterator[str]:
    for name in names:
        if name in splits:
            count = sum(ending in EXTENSIONS for ending in endings_in(root / base / name))
            yield f"{printable(root)}: passed over {printable(name)}/, which has {count:,} images in no class folder"
    others = [f"{printable(name)}/" for name in names if name not in splits]
    if others:
        yield f"{printable(root)}: passed over {name_some(others)} beside {printable(nested[0])}/"
