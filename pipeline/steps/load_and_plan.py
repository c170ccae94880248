"""The dataset of a study, and the plan that suits it."""

from collections.abc import Callable
from dataclasses import replace

from pipeline.console import status
from pipeline.data import Dataset
from pipeline.data.load_with_progress import load_with_progress
from pipeline.errors import JobError
from pipeline.job.job import Job
from pipeline.job.request import JobRequest
from pipeline.steps.job_plan import JobPlanner, PlannedJob
from pipeline.steps.plan import choose_epochs
from pipeline.steps.space_source import SpaceSource


def load_and_plan(
    request: JobRequest,
    source: SpaceSource,
    measure_rate: Callable[[], float],
    workers: int,
    resumed: bool,
    quiet: bool,
) -> tuple[Dataset, PlannedJob]:
    """The dataset, in the shape that the space needs or the plan chooses, and the job with everything filled in.

    ``measure_rate`` gives the rate of all ``workers``; it is called only if the plan depends on it. A study that has
    begun is not planned again. JobError if the dataset has too few classes for the metric.
    """
    job = request.job
    with status(f"reading {job.space}", quiet):
        size, channels = source.image_shape()
    if resumed:
        dataset = load_with_progress(job.data, size, job.seed, quiet=quiet, channels=channels)
        return dataset, PlannedJob(replace(job, epochs=job.epochs or choose_epochs(len(dataset.train))))
    planner = JobPlanner(request, size, measure_rate, source.check, workers)
    dataset = load_with_progress(
        job.data, None, job.seed, quiet=quiet, channels=channels, choose_size=planner.choose_size
    )
    _check_metric(job, dataset)
    return dataset, planner.complete(dataset, source.network_sizes(dataset))


def _check_metric(job: Job, dataset: Dataset) -> None:
    """JobError if the dataset has too few classes for the metric."""
    metric = job.study_objective.metric
    if not metric.defined_for(len(dataset.classes)):
        raise JobError(
            f"--metric: {metric.name} needs at least {metric.fewest_classes} classes, and {dataset.name} has "
            f"{len(dataset.classes)}; choose another metric"
        )
