"""The images that a model is measured on: a split of data whose classes are the model's."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.data import Dataset
    from pipeline.data.split import Rows
    from pipeline.study.model_metadata import ModelMetadata

NAMES = {"test": "test images", "val": "validation images", "train": "training images", "all": "images"}
"""The words for the images of each split."""


@dataclass(frozen=True, eq=False)
class EvaluationData:
    """The images ``rows`` of ``data``, which are its ``split``; ``chosen`` says that nobody has asked for that one.

    ``classes`` are those of the data, then the others of the model, which have no images; ``outputs`` are the numbers
    of the model's outputs for them.
    """

    data: "Dataset"
    split: str
    chosen: bool
    rows: "Rows"
    classes: tuple[str, ...]
    outputs: list[int]

    def describe(self) -> str:
        """One line: the data, and its splits unless it is measured whole."""
        if self.split != "all":
            return f"{self.data.name}: {self.data.describe()}"
        size = "x".join(map(str, self.data.shape))
        return f"{self.data.name}: {len(self.rows):,} images {size}, {len(self.data.classes)} classes, measured whole"


def composed(classes: Sequence[str]) -> list[str]:
    """Class names in Unicode's composed form, as those of data are."""
    return [unicodedata.normalize("NFC", name) for name in classes]


def match(model_file: "Path", metadata: "ModelMetadata", data: "Dataset", asked: str | None) -> EvaluationData:
    """The images of the split ``asked``; None lets the data decide.

    Then it is the test split if there is one: its own, or the one that the seed has made for the model's study. Other
    data is a hold-out set as a whole. ModelError when the data has a class that the model has not; DataError when the
    split has no images.
    """
    classes, outputs = _match_classes(model_file, metadata, data)
    split, rows = _choose_rows(asked, metadata, data)
    return EvaluationData(data, split, asked is None, rows, classes, outputs)


def match_same(model_file: "Path", metadata: "ModelMetadata", data: "Dataset", other: EvaluationData) -> EvaluationData:
    """The same images as ``other``, read again in another form; DataError when they are not the same any more."""
    import numpy as np

    from pipeline.errors import DataError

    again = match(model_file, metadata, data, other.split)
    same = data.content == other.data.content and again.classes == other.classes
    if not (same and np.array_equal(data.labels, other.data.labels) and np.array_equal(again.rows, other.rows)):
        raise DataError(f"{data.name}: has changed while it was read; evaluate again")
    return again


def _match_classes(model_file: "Path", metadata: "ModelMetadata", data: "Dataset") -> tuple[tuple[str, ...], list[int]]:
    from pipeline.data.listing_notes import name_some
    from pipeline.errors import ModelError

    outputs = {name: output for output, name in enumerate(composed(metadata.classes))}
    unknown = [name for name in data.classes if name not in outputs]
    if unknown:
        raise ModelError(
            f"{model_file}: expected data with classes of the model ({name_some(list(outputs))}), but it also has "
            f"{name_some(unknown)}; rename or remove what is not one"
        )
    classes = (*data.classes, *(name for name in outputs if name not in data.classes))
    return classes, [outputs[name] for name in classes]


def _choose_rows(asked: str | None, metadata: "ModelMetadata", data: "Dataset") -> "tuple[str, Rows]":
    import numpy as np

    from pipeline.data.split import TEST
    from pipeline.errors import DataError

    has_test = bool((data.entry.given_splits == TEST).any()) or data.digest == metadata.digest
    split = asked or ("test" if has_test else "all")
    rows = {"test": data.test, "val": data.validation, "train": data.train, "all": np.arange(len(data.labels))}
    if not len(rows[split]):
        there = ", ".join(name for name, images in rows.items() if len(images))
        raise DataError(f"--split: {data.name} has no {NAMES[split]}; choose one of {there}")
    return split, rows[split]


def notes(metadata: "ModelMetadata", images: EvaluationData) -> list[str]:
    """What limits the meaning of the scores: why images may not be those that the model was tested on, and so on."""
    from pipeline.data.listing_notes import name_some

    data, lines = images.data, []
    if absent := images.classes[len(data.classes) :]:
        lines.append(f"{data.name} has no images of {name_some(absent)}")
    if data.digest != metadata.digest:
        whole = images.chosen and images.split == "all"
        what = ", and no test images of its own: measured whole," if whole else ","
        lines.append(
            f"not the data of the study ({metadata.dataset}){what} but may have images that the model was trained on"
        )
    elif data.seed != metadata.seed and images.split != "all":
        lines.append(
            f"split by seed {data.seed}, trained with seed {metadata.seed}: images may be ones it was trained on"
        )
    elif images.split != "test":
        lines.append(f"the model was trained on, or chosen by, some of the {NAMES[images.split]}")
    return lines
