"""The images that a model is measured on: a split of data whose classes are the model's."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.cli.model_argument import ModelSource
    from pipeline.data import Dataset
    from pipeline.data.split import Rows
    from pipeline.study.model_metadata import ModelMetadata

NAMES = {"test": "test images", "val": "validation images", "train": "training images", "all": "images"}
"""The words for the images of each split."""


@dataclass(frozen=True, eq=False)
class EvaluationData:
    """The images ``rows`` of ``data``, which are its ``split``; ``by_default`` says that nobody has asked for that one.

    ``classes`` are those of the data, then the others of the model, which have no images; ``outputs`` are the numbers
    of the model's outputs for them.
    """

    data: "Dataset"
    split: str
    by_default: bool
    rows: "Rows"
    classes: tuple[str, ...]
    outputs: list[int]

    def describe(self) -> str:
        """One line: the data, and its splits unless it is measured whole."""
        if self.split != "all":
            return f"{self.data.name}: {self.data.describe()}"
        size = "x".join(map(str, self.data.shape))
        return f"{self.data.name}: {len(self.rows):,} images {size}, {len(self.data.classes)} classes, measured whole"

    def notes(self, metadata: "ModelMetadata", false_alarms: Sequence[str]) -> list[str]:
        """The limits of what the model's scores mean, such as images that it may have been trained on.

        ``false_alarms`` are classes without images that some were taken for.
        """
        from pipeline.data.listing_notes import name_some

        lines = []
        if absent := self.classes[len(self.data.classes) :]:
            lines.append(f"{self.data.name} has no images of {name_some(absent)}")
        if false_alarms:
            lines.append(f"macro F1 counts {name_some(false_alarms)} as 0: no images, but some are taken for it")
        if self.data.digest != metadata.digest:
            whole = self.by_default and self.split == "all"
            what = ", and has no test images of its own: measured whole," if whole else ","
            seen = "but may have images that the model was trained on"
            lines.append(f"not the data of the study ({metadata.dataset}){what} {seen}")
        elif self.data.seed != metadata.seed and self.split != "all":
            seeds = f"split by seed {self.data.seed}, trained with seed {metadata.seed}"
            lines.append(f"{seeds}: images may be ones it was trained on")
        elif self.seen_by(metadata):
            lines.append(f"the model was trained on, or chosen by, some of the {NAMES[self.split]}")
        return lines

    def seen_by(self, metadata: "ModelMetadata") -> bool:
        """Whether the model was trained on, or chosen by, some of these images."""
        return self.data.digest == metadata.digest and self.split != "test"


def read_images(
    models: Sequence["ModelSource"], source: str, split: str | None, seed: int | None, quiet: bool
) -> list[EvaluationData]:
    """The same images for each model, in the form that it takes; the data is read once for each form.

    ``split`` and ``seed`` None let the data and the first model decide: the split is the test split if there is one,
    its own or the one that the seed has made for the model's study. Other data is a hold-out set as a whole. ModelError
    unless the models have the same classes, and all that the data has; DataError when the split has no images.
    """
    from pipeline.data.load_with_progress import load_with_progress

    _check_same_task(models)
    seed = models[0].require_metadata().seed if seed is None else seed
    read: dict[object, Dataset] = {}
    images: list[EvaluationData] = []
    for model in models:
        metadata = model.require_metadata()
        shape, white = form = metadata.shape, metadata.white
        if form not in read:
            read[form] = load_with_progress(
                source, shape[:2], seed, quiet=quiet, channels=shape[2], white=white, for_training=False
            )
        images.append(_match(model, read[form], images[0].split if images else split, by_default=split is None))
        _check_same_images(images[0], images[-1])
    return images


def _check_same_task(models: Sequence["ModelSource"]) -> None:
    from pipeline.data.listing_notes import name_some
    from pipeline.errors import ModelError, printable

    first, *others = (sorted(map(printable, _composed(model.require_metadata().classes))) for model in models)
    for model, classes in zip(models[1:], others, strict=True):
        if classes != first:
            raise ModelError(
                f"--compare: {model.file} is a model of another task, with the classes {name_some(classes)}; "
                f"expected those of {models[0].file}: {name_some(first)}"
            )


def _check_same_images(first: EvaluationData, other: EvaluationData) -> None:
    import numpy as np

    from pipeline.errors import DataError

    same = first.data.content == other.data.content and first.classes == other.classes
    if not (same and np.array_equal(first.data.labels, other.data.labels) and np.array_equal(first.rows, other.rows)):
        raise DataError(f"{first.data.name}: has changed while it was read; evaluate again")


def _match(model: "ModelSource", data: "Dataset", asked: str | None, by_default: bool) -> EvaluationData:
    metadata = model.require_metadata()
    classes, outputs = _match_classes(model.file, metadata, data)
    split, rows = _choose_rows(asked, metadata, data)
    return EvaluationData(data, split, by_default, rows, classes, outputs)


def _composed(classes: Sequence[str]) -> list[str]:
    """Class names in Unicode's composed form, as those of data are."""
    return [unicodedata.normalize("NFC", name) for name in classes]


def _match_classes(model_file: "Path", metadata: "ModelMetadata", data: "Dataset") -> tuple[tuple[str, ...], list[int]]:
    from pipeline.data.listing_notes import name_some
    from pipeline.errors import ModelError

    outputs = {name: output for output, name in enumerate(_composed(metadata.classes))}
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
