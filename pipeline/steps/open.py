"""The first step of a study: reads its data and its space. The study is not written yet."""

from dataclasses import dataclass
from functools import partial

from pipeline.console import status
from pipeline.executors import EXECUTORS, Executor
from pipeline.job.job import Job
from pipeline.job.request import JobRequest
from pipeline.search.problem import SearchProblem
from pipeline.steps.job_plan import PlannedJob
from pipeline.steps.load_and_plan import load_and_plan
from pipeline.steps.machine_rate import machine_rate
from pipeline.steps.space_source import SearchedSpace, SpaceSource
from pipeline.steps.start_points import StartPoints, choose_start_points
from pipeline.study.database import Database, choose_database
from pipeline.study.paths import StudyPaths


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

    @property
    def database(self) -> Database:
        """Where the trials are kept."""
        return choose_database(self.paths, self.job.storage)

    @property
    def slots_stay(self) -> bool:
        """Whether a slot's number stands for the same device all the time: on a cluster, workers come and go."""
        return not EXECUTORS[self.job.executor].on_cluster

    @property
    def weighs_classes(self) -> bool:
        """Whether the job or the space says how much each class counts in training."""
        space = self.problem.space
        named = {*space.constants, *(entry.name for entry in space.searched)}
        return self.job.class_weight is not None or "class_weight" in named


def open_study(
    request: JobRequest, paths: StudyPaths, source: SpaceSource, executor: Executor, resumed: bool, quiet: bool
) -> OpenStudy:
    """Reads what the study is made of; a ConvtuneError if the job asks for something that it cannot have."""
    measure_rate = partial(machine_rate, executor, request.job.precision, quiet, request.job.gpus)
    dataset, planned = load_and_plan(request, source, measure_rate, executor.slots, resumed, quiet)
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
    return OpenStudy(planned, paths, searched, problem, start_points, executor, resumed)
