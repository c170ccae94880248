"""Which array of an .npz file has which part of a dataset, by the names that people give them."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pipeline.data.split import SPLIT_NAMES, TEST, TRAIN, VALIDATION
from pipeline.errors import DataError, nearest, printable

_SPLITS = {
    **dict.fromkeys(("train", "training", "tr", "trn"), TRAIN),
    **dict.fromkeys(("val", "valid", "validation", "dev"), VALIDATION),
    **dict.fromkeys(("test", "testing", "te", "tst"), TEST),
}
"""The split of each word in a name; a name without such a word is of the training images."""

_IMAGES = ("x", "images", "image", "imgs", "img", "data", "features", "inputs", "pixels")
_LABELS = ("y", "labels", "label", "targets", "target")

CLASS_NAMES = ("classes", "class_names", "label_names", "target_names", "categories")
"""Names of the array with the names of the classes."""

_EXPECTED = (
    *(f"{letter}_{split}" for split in ("train", "val", "test") for letter in "xy"),
    "classes",
)
"""The names that messages recommend."""

_KIND = "|".join((*_IMAGES, *_LABELS))
_SPLIT = "|".join(sorted(_SPLITS, key=len, reverse=True))
_NAME = re.compile(rf"(?:(?P<kind>{_KIND})[_-]?(?P<split>{_SPLIT})?|(?P<first>{_SPLIT})[_-]?(?P<second>{_KIND}))", re.I)


class SplitNames(NamedTuple):
    """The names of the two arrays of a split, and its number."""

    split: int
    images: str
    labels: str


def find_split_names(names: Iterable[str], where: str) -> list[SplitNames]:
    """The arrays of each split that is there, train first. DataError, which begins with ``where``, when one is missing,
    has an unknown name, or two are the same.

    >>> find_split_names(["test_labels", "train_images", "train_labels", "test_images"], "x.npz")[1]
    SplitNames(split=2, images='test_images', labels='test_labels')
    >>> find_split_names(["X", "Y"], "x.npz")
    [SplitNames(split=0, images='X', labels='Y')]
    """
    found: dict[tuple[str, int], str] = {}
    for name in names:
        if name.lower() in CLASS_NAMES:
            continue
        match = _NAME.fullmatch(name)
        if match is None:
            if re.fullmatch(r"arr_\d+", name):
                unnamed = f"{where}: its arrays have no names ({name})"
                raise DataError(f"{unnamed}; save them as numpy.savez(file, x_train=images, y_train=labels)")
            unknown = f"{where}: unknown array {printable(name)!r}{nearest(name, _EXPECTED)}"
            raise DataError(f"{unknown}; expected {', '.join(_EXPECTED)}")
        kind = "images" if (match["kind"] or match["second"]).lower() in _IMAGES else "labels"
        split = _SPLITS[(match["split"] or match["first"] or "train").lower()]
        if (other := found.setdefault((kind, split), name)) != name:
            raise DataError(f"{where}: {other} and {name} are both {kind} of the {SPLIT_NAMES[split]} split; keep one")
    splits = sorted({split for _, split in found})
    return [_pair(found, split, where) for split in splits or [TRAIN]]


def _pair(found: Mapping[tuple[str, int], str], split: int, where: str) -> SplitNames:
    images, labels = found.get(("images", split)), found.get(("labels", split))
    if images is None or labels is None:
        short = _EXPECTED[2 * split], _EXPECTED[2 * split + 1]
        missing = short[0] if images is None else short[1]
        raise DataError(f"{where}: {missing} is missing; save images as {short[0]} and labels as {short[1]}")
    return SplitNames(split, images, labels)
