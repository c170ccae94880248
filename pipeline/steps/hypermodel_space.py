"""The space of a HyperModel of the user's, which a worker of its own reads and builds."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path

from pipeline import hypermodel
from pipeline.console import note, status, warn
from pipeline.data import Dataset
from pipeline.errors import JobError
from pipeline.executors import Executor
from pipeline.hypermodel.source import HyperModelSource
from pipeline.job.job import Job
from pipeline.job.request import JobRequest
from pipeline.space.limits import COSTS
from pipeline.steps.requested_space import adjust
from pipeline.steps.space_source import SearchedSpace


class HyperModelSpace:
    """The source of such a space; SpaceError of one line for a HyperModel that cannot be searched.

    JobError for limits and objectives that are not known of a model that is only built.
    """

    def __init__(self, source: HyperModelSource, request: JobRequest, log: Path | None) -> None:
        _check_counted("--limit", dict(request.job.limits))
        _check_counted("--objective", request.job.study_objective.minimized)
        self._request, self._source, self._log = request, source, log
        self._worker: hypermodel.HyperModelWorker | None = None
        self._file = self._code = ""

    def image_shape(self) -> tuple[tuple[int, int] | None, int | None]:
        """The size that the job asks for, else the one that the model takes."""
        self._worker = hypermodel.HyperModelWorker(self._source, self._log, self._request.job.trial_timeout)
        info = self._worker.inspect()
        self._file, self._code = info.file, hypermodel.read_code(info.file)  # as it was imported just now
        height, width, channels = info.shape or (None, None, None)
        own_size = (height, width) if height and width else None
        return self._request.job.image_size or own_size, channels if channels in (1, 3) else None

    def check(self, shape: tuple[int, int, int], classes: int) -> None:
        """Nothing: only building its models shows what can be trained."""

    def network_sizes(self, dataset: Dataset) -> None:
        """None: the networks are the user's, and are not limited by the plan."""

    def searched_space(self, job: Job, dataset: Dataset, executor: Executor, quiet: bool) -> SearchedSpace:
        """The space of all hyperparameters of the HyperModel."""
        assert self._worker is not None
        with status(f"building models of {self._source}", quiet):
            whole = self._worker.read_space(dataset)
        for line in self._worker.warnings:
            warn(line)
        if not quiet:
            note(*self._worker.notes)
        space = adjust(whole, self._request)
        return SearchedSpace(
            space,
            judge=partial(self._worker.judge, space.limits, job.study_objective.minimized),
            make_task=hypermodel.make_task,
            text=partial(hypermodel.source_text, whole, self._source, self._file, self._code),
            while_judging=self._worker.while_judging,
            code=hypermodel.fingerprint(self._source, self._code),
        )

    def close(self) -> None:
        """Ends the worker."""
        if self._worker is not None:
            self._worker.close()


def _check_counted(flag: str, costs: Iterable[str]) -> None:
    """JobError for a cost that is not known of a model that is only built; unknown names are another's concern."""
    for name in costs:
        if name in COSTS and name not in hypermodel.COUNTED_COSTS:
            counted = " and ".join(hypermodel.COUNTED_COSTS)
            raise JobError(f"{flag}: {name} is not known of a HyperModel's models; {counted} are")
