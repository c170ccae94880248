"""The first step of a study: locks its folder, reads its data and its space. The study is not written yet."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.console import status
from pipeline.executors import EXECUTORS, Executor
from pipeline.executors.devices import count_workers
from pipeline.job.job import Job
from pipeline.job.request import JobRequest
from pipeline.search.problem import SearchProblem
from pipeline.study.paths import StudyPaths
from pipeline.training.worker import import_training
from pipeline.tune.job_plan import PlannedJob
from pipeline.tune.load_and_plan import load_and_plan
from pipeline.tune.space_source import SearchedSpace, SpaceSource
from pipeline.tune.start_points import StartPoints, choose_start_points
from pipeline.tune.study_folder import hold_study


@dataclass(frozen=True)
class OpenStudy:
    """A planned job and everything that it needs, checked.

    ``plan`` has the job and says what was planned, ``resumed`` whether the study has begun before.
    """

    plan: PlannedJob
    paths: StudyPaths
    searched: SearchedSpace
    problem: SearchProblem
    start_points: StartPoints
    executor: Executor
    resumed: bool

    @property
    def job(self) -> Job:
        """The planned job."""
        return self.plan.job


@contextmanager
def open_study(
    request: JobRequest, paths: StudyPaths, source: SpaceSource, log: Path | None, quiet: bool
) -> Iterator[OpenStudy]:
    """Keeps the study's folder locked and its executor open while the block runs.

    ``log`` receives what libraries print in workers (None: the terminal does). A ConvtuneError if the job asks for
    something that it cannot have.
    """
    resumed = paths.exists
    with (
        hold_study(paths),
        closing(source),
        closing(EXECUTORS[request.job.executor].start(_workers(request.job), log, import_training)) as executor,
    ):
        dataset, planned = load_and_plan(request, source, executor, resumed, quiet)
        job = planned.job
        searched = source.searched_space(job, dataset, executor, quiet)
        with status("reading the space", quiet):
            start_points = choose_start_points(searched.space, searched.judge, request, resumed, min(dataset.shape[:2]))
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
        yield OpenStudy(planned, paths, searched, problem, start_points, executor, resumed)


def _workers(job: Job) -> int:
    """As many as the job says or the machine can use; never more than trials, since each worker imports Keras."""
    wanted = count_workers() if job.workers is None else job.workers
    return int(min(wanted, job.total))
