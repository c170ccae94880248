"""The first step of a study: locks its folder, reads its data and its space. The study is not written yet."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.console import status
from pipeline.data import Dataset
from pipeline.data.load_with_progress import load_with_progress
from pipeline.errors import JobError
from pipeline.executors import EXECUTORS, Executor
from pipeline.job.job import Job
from pipeline.job.request import JobRequest
from pipeline.search.problem import SearchProblem
from pipeline.study.paths import StudyPaths
from pipeline.training.worker import import_training
from pipeline.tune.space_source import SearchedSpace, SpaceSource
from pipeline.tune.start_points import StartPoints, choose_start_points
from pipeline.tune.study_folder import hold_study


@dataclass(frozen=True)
class OpenStudy:
    """A job and everything that it needs, checked; ``resumed`` says whether its study has begun before."""

    job: Job
    paths: StudyPaths
    searched: SearchedSpace
    problem: SearchProblem
    start_points: StartPoints
    executor: Executor
    resumed: bool


@contextmanager
def open_study(
    request: JobRequest, paths: StudyPaths, source: SpaceSource, log: Path | None, quiet: bool
) -> Iterator[OpenStudy]:
    """Keeps the study's folder locked and its executor open while the block runs.

    ``log`` receives what libraries print in workers (None: the terminal does). A ConvtuneError if the job asks for
    something that it cannot have.
    """
    job, resumed = request.job, paths.exists
    workers = int(min(job.workers, job.total))  # never more than trials, since each worker imports Keras
    with (
        hold_study(paths),
        closing(source),
        closing(EXECUTORS[job.executor].start(workers, log, import_training)) as executor,
    ):
        dataset = _load(job, source, quiet)
        searched = source.searched_space(dataset, executor, quiet)
        with status("reading the space", quiet):
            start_points = choose_start_points(searched.space, searched.judge, request, resumed)
        problem = SearchProblem(
            space=searched.space,
            judge=searched.judge,
            make_task=searched.make_task,
            dataset=dataset,
            objective=job.study_objective,
            precision=job.precision,
            seed=job.seed,
            paths=paths,
        )
        yield OpenStudy(job, paths, searched, problem, start_points, executor, resumed)


def _load(job: Job, source: SpaceSource, quiet: bool) -> Dataset:
    """The dataset in the shape that the space needs; JobError if it has too few classes for the metric."""
    with status(f"reading {job.space}", quiet):
        size, channels = source.image_shape()
    dataset = load_with_progress(job.data, size, job.seed, quiet=quiet, channels=channels)
    metric = job.study_objective.metric
    if not metric.defined_for(len(dataset.classes)):
        raise JobError(
            f"--metric: {metric.name} needs at least {metric.fewest_classes} classes, and {dataset.name} has "
            f"{len(dataset.classes)}; choose another metric"
        )
    return dataset
