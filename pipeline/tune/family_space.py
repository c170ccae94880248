"""A space that ships with convtune, or that of a space file: its candidates are networks of the FAMILIES."""

from functools import partial

from pipeline.candidate import Candidate, FamilyCandidate, judge
from pipeline.data import Dataset
from pipeline.executors import Executor, Task
from pipeline.job.request import JobRequest
from pipeline.latency.study import load_or_calibrate
from pipeline.search.samplers import SAMPLERS
from pipeline.space import source_text
from pipeline.study.paths import StudyPaths
from pipeline.study.trial import TrialResult
from pipeline.training.inputs import TrainingInputs
from pipeline.training.task import TrainTask
from pipeline.tune.requested_space import read_space
from pipeline.tune.space_source import SearchedSpace


class FamilySpace:
    """The source of such a space; SpaceError or JobError when it is invalid or cannot be searched as asked."""

    def __init__(self, request: JobRequest, paths: StudyPaths) -> None:
        self._job, self._paths = request.job, paths
        self._space = read_space(request, paths)
        SAMPLERS[request.job.search].plan(self._space, request.job.seed)  # refuses what it cannot search

    def image_shape(self) -> tuple[tuple[int, int] | None, int | None]:
        """The size that the job asks for."""
        return self._job.image_size, None

    def searched_space(self, dataset: Dataset, executor: Executor, quiet: bool) -> SearchedSpace:
        """The space of the file, with a latency model where a limit or an objective needs one."""
        needed = "latency_ms" in (*self._space.limits, *self._job.study_objective.minimized)
        model = load_or_calibrate(self._paths, executor, quiet) if needed else None
        latency = None if model is None else model.predict
        return SearchedSpace(
            self._space,
            judge=partial(judge, self._space, shape=dataset.shape, classes=len(dataset.classes), latency=latency),
            make_task=make_family_task,
            text=partial(source_text, self._job.space),
            latency=model,
        )

    def close(self) -> None:
        """Nothing was started."""


def make_family_task(candidate: Candidate, inputs: TrainingInputs) -> Task[TrialResult]:
    """The training of a candidate of one of the FAMILIES."""
    assert isinstance(candidate, FamilyCandidate)
    return TrainTask(inputs, candidate.architecture, candidate.recipe)
