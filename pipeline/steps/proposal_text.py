"""What people read of a proposal: what was seen of their images, and the job file."""

import math
from collections.abc import Iterator

import numpy as np

from pipeline.data.similar_names import similar_names
from pipeline.data.split import SPLIT_NAMES
from pipeline.data.split_notes import split_notes
from pipeline.data.training_notes import training_notes
from pipeline.errors import printable
from pipeline.job.job import Job
from pipeline.space import available
from pipeline.steps.job_text import commented_job
from pipeline.steps.plan import explain_image_size
from pipeline.steps.proposal import Proposal

_MOST_PAIRS = 3
"""Pairs of similar names that a line has."""


def describe(proposal: Proposal) -> Iterator[tuple[str, str]]:
    """What was seen of the images, and the plan: a word and a text each."""
    data, pictures, workers = proposal.dataset, proposal.pictures, proposal.workers
    size = f"{pictures.describe_sizes()}, {pictures.describe_form()}"
    yield "Images", f"{len(data.images):,} in {len(data.classes)} classes, {size}"
    yield "Classes", data.describe_classes().removeprefix("classes: ")
    yield "Splits", f"{len(data.train):,} train / {len(data.validation):,} validation / {len(data.test):,} test"
    yield "", _origin_of_splits(proposal)
    if copies := int((data.entry.copy_of != np.arange(len(data.images))).sum()):
        yield "Copies", f"{copies:,} of other images; splits that are made keep the copies of a class together"
    yield "Trained at", f"{'x'.join(map(str, data.shape[:2]))}, {_why_this_size(proposal)}"
    yield "Plan", f"{proposal.plan.forecast}, space {proposal.job.space}, {workers} worker{'s' * (workers > 1)}"
    if proposal.lopsided:
        yield (
            "Suggested",
            f"metric {proposal.job.metric}, class_weight {proposal.job.class_weight}: classes are lopsided",
        )


def warnings(proposal: Proposal) -> Iterator[str]:
    """The lines that ``tune`` prints about these images too, and those about uneven splits and names of classes."""
    yield from training_notes(proposal.dataset, proposal.job.study_objective.metric, proposal.lopsided)
    yield from split_notes(proposal.dataset)
    pairs = similar_names(proposal.dataset.classes)
    if pairs:
        named = ", ".join(f"{first} and {second}" for first, second in pairs[:_MOST_PAIRS])
        more = f" and {len(pairs) - _MOST_PAIRS} more pairs" if len(pairs) > _MOST_PAIRS else ""
        where = printable(proposal.dataset.source)
        yield f"{where}: class names that look alike: {named}{more}; if they mean the same, put the images into one"


def file_text(proposal: Proposal, job: Job) -> str:
    """The text of a job file for ``job``, the proposal's with the data as the file has to name it."""
    head = (
        f"A job for {printable(proposal.dataset.name)}, written by `convtune init`. Remove the # before a setting to "
        "change it. A flag of `convtune tune` wins over this file: --image-size over image_size."
    )
    suggestions = {
        "image_size": "{}x{}".format(*proposal.dataset.shape),
        "workers": proposal.workers,
        "epochs": proposal.plan.job.full_epochs,
    }
    return commented_job(job, head, dict(_remarks(proposal)), suggestions)


def _origin_of_splits(proposal: Proposal) -> str:
    """Which splits are given and which are made, and what the number of test images is worth."""
    given = set(proposal.dataset.entry.given_splits.tolist())
    made = " and ".join(name for number, name in enumerate(SPLIT_NAMES) if number not in given)
    origin = f"{made} taken from train by seed {proposal.job.seed}" if made else "as they are given"
    margin = min(0.5, 0.98 / math.sqrt(max(1, len(proposal.dataset.test))))  # 95 % of an accuracy near one half
    return f"{origin}; test accuracy known to within {margin:.2g}"


def _why_this_size(proposal: Proposal) -> str:
    if proposal.size_given:
        return "as you ask"
    own = proposal.pictures.height, proposal.pictures.width
    return explain_image_size(own, proposal.dataset.shape[:2])


def _remarks(proposal: Proposal) -> Iterator[tuple[str, str]]:
    """More about the settings, by key."""
    images, sizes = len(proposal.dataset.train), proposal.pictures.describe_sizes()
    planned = "" if proposal.size_given else "Planned: "
    yield "data", "A relative path counts from the folder in which convtune runs, not from that of this file."
    yield (
        "time",
        "Planned, as are image_size, epochs and limit: for this time on this machine. For another time put # before "
        "those three, and tune plans them anew.",
    )
    yield "image_size", f"{planned}{_why_this_size(proposal)}. The images are {sizes}."
    yield "epochs", f"Planned for {images:,} training images: {proposal.plan.forecast}."
    yield "limit", "Planned: larger networks would leave time for too few trials."
    yield "workers", f"Here: {proposal.workers}."
    yield "space", f"Names: {', '.join(name for name, _ in available())}."
    if proposal.lopsided:
        yield "metric", "Suggested, since classes are lopsided: accuracy hardly counts the rare ones."
        yield "class_weight", "Suggested, since classes are lopsided: training hardly sees the rare ones."
