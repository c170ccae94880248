"""A job that suits a dataset: what ``tune`` would plan for it, and what its classes ask for. No study begins."""

import os
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.data import Dataset
from pipeline.data.form import Pictures
from pipeline.data.training_notes import is_imbalanced
from pipeline.executors import Slots
from pipeline.job.job import Job
from pipeline.job.request import JobRequest, name_study, read_job
from pipeline.steps.choose_source import choose_source
from pipeline.steps.job_plan import PlannedJob, fill_in_time
from pipeline.steps.load_and_plan import load_and_plan
from pipeline.steps.machine_rate import cache_file, machine_rate, read
from pipeline.steps.workers import slots_of, start_workers


@dataclass(frozen=True)
class SuggestedJob:
    """A dataset, its plan, and the job for it.

    The job is that of the plan; where classes are imbalanced, its metric and its training count them alike. ``workers``
    is how many would train here, side by side; ``size_given`` says that the user asks for the images' size.
    """

    dataset: Dataset
    plan: PlannedJob
    job: Job
    workers: int
    size_given: bool

    @property
    def pictures(self) -> Pictures:
        """The images as they are stored."""
        assert self.plan.pictures is not None
        return self.plan.pictures

    @property
    def imbalanced(self) -> bool:
        """Whether one class has many times the images of another."""
        return self.job.class_weight is not None


def suggest_job(data: str, time: float | None = None, image_size: tuple[int, int] | None = None) -> SuggestedJob:
    """Looks at the data and plans around what is given; raises what ``tune`` would raise.

    The machine is measured unless that was done today, and the images are decoded into the cache, for ``tune`` to find.
    """
    request = fill_in_time(read_job(None, {"data": data, "time": time, "image_size": image_size}))
    source, slots = choose_source(request, name_study(request.job), None), slots_of(request.job)
    with closing(source):
        dataset, plan = load_and_plan(request, source, lambda: _rate(request, slots), slots.workers, False, quiet=False)
    job = plan.job
    if is_imbalanced(dataset):
        job = replace(job, metric="balanced_accuracy", class_weight="balanced")
    return SuggestedJob(dataset, plan, job, slots.workers, "image_size" in request.given)


def _rate(request: JobRequest, slots: Slots) -> float:
    """The machine's rate. Workers are started only to measure it."""
    known = read(cache_file(request.job.precision, slots.workers))
    if known is not None:
        return known
    with closing(start_workers(request.job, slots, Path(os.devnull))) as executor:
        return machine_rate(executor, request.job.precision, quiet=False)
