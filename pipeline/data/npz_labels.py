"""The labels of an .npz file: which class each image has, and what the classes are called."""

import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.data.npz_array import NpzArray
from pipeline.data.split import Rows
from pipeline.errors import DataError, printable

_MAX_NAME_BYTES = 2**20
"""Bytes that the class names may take."""

_MAX_CLASSES = 10_000
"""Classes of numbered labels; above it, they are something else, such as ages or prices."""


def number_labels(arrays: Sequence[NpzArray], counts: Sequence[int], names: NpzArray | None) -> tuple[Rows, list[str]]:
    """The label of every image, int64 (n,), and the names of the classes.

    ``counts`` are the images that belong to each array. Labels are numbers (n,) or (n, 1), one-hot rows (n, classes),
    or text. Numbers are positions in ``names``; without names, each number that is there is a class of that name,
    and so is each text. DataError names the array that is neither.
    """
    stored = [_read_labels(array, count) for array, count in zip(arrays, counts, strict=True)]
    kinds = {part.dtype.kind == "U" for part in stored}
    if len(kinds) > 1:
        raise DataError(f"{arrays[0].where}: some labels are text and some are numbers; save all of them alike")
    labels = np.concatenate(stored)
    if names is None:
        found, positions = np.unique(labels, return_inverse=True)
        if len(found) > _MAX_CLASSES:
            raise DataError(f"{arrays[0].where}: {len(found):,} different labels; expected at most {_MAX_CLASSES:,}")
        return positions.astype(np.int64).reshape(-1), [_name(label) for label in found.tolist()]
    read = _read_names(names)
    if labels.dtype.kind == "U":
        return _find_names(labels, read, arrays[0].where), read
    if labels.max() >= len(read):
        raise DataError(
            f"{names.where} has {len(read)} names and the labels go to {labels.max()}; give each class one name"
        )
    return labels, read


def _find_names(labels: NDArray[np.str_], names: Sequence[str], where: str) -> Rows:
    numbers = {name: number for number, name in enumerate(names)}
    words, positions = np.unique(labels, return_inverse=True)
    for word in map(_name, words.tolist()):
        if word not in numbers:
            raise DataError(f"{where}: label {word!r} is none of the class names; add it to them")
    return np.array([numbers[_name(word)] for word in words.tolist()], np.int64)[positions.reshape(-1)]


def _read_labels(array: NpzArray, count: int) -> NDArray[Any]:
    """Labels (n,), int64 or text; DataError unless there is one for each of ``count`` images."""
    one_hot = len(array.shape) == 2 and array.shape[1] > 1
    if array.shape[:1] != (count,) or (array.shape != (count,) and len(array.shape) != 2):
        raise DataError(
            f"{array.where} has the shape {array.shape}; expected ({count},), one label per image, "
            f"or ({count}, classes)"
        )
    if array.dtype.kind in "US":
        if one_hot:
            raise DataError(f"{array.where} has the shape {array.shape}; expected one text per image")
        words: NDArray[Any] = array.read().reshape(-1)
        return words.astype(str) if array.dtype.kind == "U" else np.char.decode(words, "utf-8", "backslashreplace")
    if array.dtype.kind not in "iufb":
        raise DataError(f"{array.where}: labels are {array.dtype}; expected numbers or text, save them as int64")
    numbers = array.read()
    if one_hot:
        return _argmax(numbers, array.where)
    numbers = numbers.reshape(-1)
    if array.dtype.kind == "f" and not np.array_equal(numbers, np.rint(numbers)):
        wrong = numbers[numbers != np.rint(numbers)][0]
        raise DataError(f"{array.where}: a label is {wrong}; expected whole numbers, one per class")
    lowest, highest = numbers.min(), numbers.max()
    if lowest < 0 or highest >= 2**31:
        wrong = lowest if lowest < 0 else highest
        raise DataError(f"{array.where}: a label is {wrong}; expected 0 to the number of classes less 1")
    return numbers.astype(np.int64)


def _argmax(rows: NDArray[Any], where: str) -> Rows:
    """The class of each one-hot row; DataError when a row has several classes or none, or shares of them."""
    if not np.isin(rows, (0, 1)).all() or not (rows.sum(axis=1) == 1).all():
        wrong = int(np.flatnonzero((rows.sum(axis=1) != 1) | ~np.isin(rows, (0, 1)).all(axis=1))[0])
        raise DataError(
            f"{where}[{wrong}] is not one-hot: expected a single 1 in each row; images with several labels are not "
            "classified here"
        )
    labels: Rows = rows.argmax(axis=1).astype(np.int64)
    return labels


def _read_names(array: NpzArray) -> list[str]:
    """DataError unless they are different texts."""
    if array.dtype.kind != "U" or len(array.shape) != 1:
        raise DataError(
            f"{array.where} is {array.dtype} of shape {array.shape}; expected a list of text, one name per class"
        )
    if array.dtype.itemsize * array.shape[0] > _MAX_NAME_BYTES:
        raise DataError(f"{array.where} is above {_MAX_NAME_BYTES:,} bytes; give the classes shorter names")
    names = [_name(name) for name in array.read().tolist()]
    repeated = [name for name in names if names.count(name) > 1]
    if repeated:
        raise DataError(f"{array.where}: {repeated[0]!r} comes twice; give each class a name of its own")
    return names


def _name(label: object) -> str:
    return printable(unicodedata.normalize("NFC", str(label)))
