"""The texts of a suggestion: what was seen of the images, and the job file."""

import math
from collections.abc import Iterator

import numpy as np

from pipeline.data.similar_names import similar_names
from pipeline.data.split import SPLIT_NAMES
from pipeline.data.split_notes import split_notes
from pipeline.data.training_notes import training_notes
from pipeline.errors import printable
from pipeline.job.job import Job
from pipeline.quantity import counted
from pipeline.space import available
from pipeline.steps.job_text import commented_job
from pipeline.steps.plan import explain_image_size
from pipeline.steps.suggested_job import SuggestedJob

_MOST_PAIRS = 3
"""Pairs of similar names that a line has."""


def describe(suggestion: SuggestedJob) -> Iterator[tuple[str, str]]:
    """What was seen of the images, and the plan: a word and a text each."""
    data, pictures, workers = suggestion.dataset, suggestion.pictures, suggestion.workers
    size = f"{pictures.describe_sizes()}, {pictures.describe_form()}"
    yield "Images", f"{len(data.images):,} in {len(data.classes)} classes, {size}"
    yield "Classes", data.describe_classes().removeprefix("classes: ")
    yield "Splits", f"{len(data.train):,} train / {len(data.validation):,} validation / {len(data.test):,} test"
    yield "", _origin_of_splits(suggestion)
    if copies := int((data.entry.copy_of != np.arange(len(data.images))).sum()):
        yield "Copies", f"{copies:,} of other images; splits that are made keep the copies of a class together"
    yield "Trained at", f"{'x'.join(map(str, data.shape[:2]))}, {_why_this_size(suggestion)}"
    yield "Plan", f"{suggestion.plan.forecast}, space {suggestion.job.space}, {counted(workers, 'worker')}"
    if suggestion.imbalanced:
        yield (
            "Suggested",
            f"metric {suggestion.job.metric}, class_weight {suggestion.job.class_weight}: classes are imbalanced",
        )


def warnings(suggestion: SuggestedJob) -> Iterator[str]:
    """The lines that ``tune`` prints about these images too, and those about uneven splits and names of classes."""
    yield from training_notes(suggestion.dataset, suggestion.job.study_objective.metric, suggestion.imbalanced)
    yield from split_notes(suggestion.dataset)
    pairs = similar_names(suggestion.dataset.classes)
    if pairs:
        named = ", ".join(f"{first} and {second}" for first, second in pairs[:_MOST_PAIRS])
        more = f" and {len(pairs) - _MOST_PAIRS} more pairs" if len(pairs) > _MOST_PAIRS else ""
        where = printable(suggestion.dataset.source)
        yield f"{where}: class names that look alike: {named}{more}; if they mean the same, put the images into one"


def file_text(suggestion: SuggestedJob, job: Job) -> str:
    """The text of a job file for ``job``, the suggestion's with the data as the file has to name it."""
    head = (
        f"A job for {printable(suggestion.dataset.name)}, written by `convtune init`. Remove the # before a setting to "
        "change it. A flag of `convtune tune` wins over this file: --image-size over image_size."
    )
    suggestions = {
        "image_size": "{}x{}".format(*suggestion.dataset.shape),
        "workers": suggestion.workers,
        "epochs": suggestion.plan.job.full_epochs,
    }
    return commented_job(job, head, dict(_remarks(suggestion)), suggestions)


def _origin_of_splits(suggestion: SuggestedJob) -> str:
    """Which splits are given and which are made, and what the number of test images is worth."""
    given = set(suggestion.dataset.entry.given_splits.tolist())
    made = " and ".join(name for number, name in enumerate(SPLIT_NAMES) if number not in given)
    origin = f"{made} taken from train by seed {suggestion.job.seed}" if made else "as they are given"
    margin = min(0.5, 0.98 / math.sqrt(max(1, len(suggestion.dataset.test))))  # 95 % of an accuracy near one half
    return f"{origin}; test accuracy known to within {margin:.2g}"


def _why_this_size(suggestion: SuggestedJob) -> str:
    if suggestion.size_given:
        return "as you ask"
    own = suggestion.pictures.height, suggestion.pictures.width
    return explain_image_size(own, suggestion.dataset.shape[:2])


def _remarks(suggestion: SuggestedJob) -> Iterator[tuple[str, str]]:
    """More about the settings, by key."""
    images, sizes = len(suggestion.dataset.train), suggestion.pictures.describe_sizes()
    planned = "" if suggestion.size_given else "Planned: "
    yield "data", "A relative path counts from the folder in which convtune runs, not from that of this file."
    yield (
        "time",
        "Planned, as are image_size, epochs and limit: for this time on this machine. For another time put # before "
        "those three, and tune plans them anew.",
    )
    yield "image_size", f"{planned}{_why_this_size(suggestion)}. The images are {sizes}."
    yield "epochs", f"Planned for {images:,} training images: {suggestion.plan.forecast}."
    yield "limit", "Planned: larger networks would leave time for too few trials."
    yield "workers", f"Here: {suggestion.workers}."
    yield "space", f"Names: {', '.join(name for name, _ in available())}."
    if suggestion.imbalanced:
        yield "metric", "Suggested, since classes are imbalanced: accuracy hardly counts the rare ones."
        yield "class_weight", "Suggested, since classes are imbalanced: training hardly sees the rare ones."
