"""A worker that builds the models of a HyperModel: it lists the hyperparameters and checks proposed params."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from pipeline.candidate import Feasibility, check_limits, impossible
from pipeline.data import Dataset
from pipeline.errors import SpaceError, WorkerError
from pipeline.executors import Task, call
from pipeline.hypermodel.candidate import HyperModelCandidate
from pipeline.hypermodel.source import BuiltModel, HyperModelInfo, HyperModelSource
from pipeline.hypermodel.space import describe_survey, make_space
from pipeline.hypermodel.task import BuildModel, InspectHyperModel, PrepareHyperModel, SurveyHyperModel
from pipeline.hyperparameter import Scalar
from pipeline.quantity import format_seconds
from pipeline.space import Space
from pipeline.training.worker import start_worker

T = TypeVar("T")

COUNTED_COSTS = ("parameters", "macs")
"""The costs that are known once a model is built; memory and latency need an Architecture."""

_ON_CPU = {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}
"""Environment variables that leave the GPUs to the workers that train."""


class _LateError(Exception):
    """A model is being built for longer than a trial may take, which the text says."""


class HyperModelWorker:
    """One HyperModel in its own worker, on the CPU, so that checking a proposal never waits for a trial.

    Building one model takes at most ``timeout`` seconds (None: any); its import, and the default model that ``inspect``
    builds, may take longer, since they may have to fetch weights. ``notes`` and ``warnings`` are for people: what its
    models have shown once ``read_space`` has built some.

    All methods raise SpaceError, in one line, for a HyperModel that cannot be searched.
    """

    def __init__(self, source: HyperModelSource, log: Path | None, timeout: float | None = None) -> None:
        self._worker = start_worker(log, **_ON_CPU)
        self._source, self._timeout = source, timeout
        self._dataset: Dataset | None = None
        self.notes: list[str] = []
        self.warnings: list[str] = []
        self._built: dict[frozenset[tuple[str, Scalar]], BuiltModel] = {}
        self._meanwhile: Callable[[], None] | None = None

    def inspect(self) -> HyperModelInfo:
        """Imports the HyperModel; returns where its source code is and which images it takes."""
        with self._refusing():
            return call(self._worker, InspectHyperModel(self._source))

    def read_space(self, dataset: Dataset) -> Space:
        """The space of all hyperparameters, for the images of ``dataset``."""
        self._source = replace(self._source, shape=dataset.shape, classes=len(dataset.classes))
        self._dataset = dataset
        with self._refusing():
            survey = self._call_timed(SurveyHyperModel(self._source, dataset))
        self._source = replace(self._source, code=survey.code)
        space = make_space(self._source, survey.listed)
        self._built |= {frozenset(values.items()): built for values, built in survey.built}
        self.notes, self.warnings = describe_survey(self._source, survey)
        return space

    def judge(self, limits: Mapping[str, float], minimized: Iterable[str], params: dict[str, Scalar]) -> Feasibility:
        """Whether ``params`` give a model that can be trained, within ``limits``, with known ``minimized`` costs."""
        built = self._build(params)
        if built.parameters is None:
            return impossible(built.reason, built.kind, limits)
        counted = {"parameters": built.parameters, "macs": built.macs}
        costs = {name: cost for name, cost in counted.items() if cost is not None}
        unknown = next((name for name in (*limits, *minimized) if name not in costs), None)
        if unknown is not None:
            reason = f"its {unknown} cannot be counted: a layer is of an unknown kind"
            return impossible(reason, f"{unknown} not countable", limits)
        return check_limits(HyperModelCandidate(params, self._source, built.key, costs), limits)

    def while_judging(self, meanwhile: Callable[[], None]) -> None:
        """From now on, calls ``meanwhile`` ten times a second while ``judge`` waits for a model to be built."""
        self._meanwhile = meanwhile

    def close(self) -> None:
        """Ends the worker."""
        self._worker.close()

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        """SpaceError where a task about the HyperModel itself kills the worker, or takes too long."""
        try:
            yield
        except WorkerError as error:
            raise SpaceError(f"{self._source}: {error}") from None
        except _LateError as error:
            advice = "set a longer one, or a space without that model"
            raise SpaceError(
                f"{self._source}: building a model to find the hyperparameters {error}; {advice}"
            ) from None

    def _call_timed(self, task: Task[T]) -> T:
        """The task's value; _LateError, and a new worker, when one of the models that it builds takes too long."""
        limit = _BuildTime(self._timeout, self._meanwhile or (lambda: None))
        try:
            return call(self._worker, task, limit.begin, limit.check)
        except _LateError:
            self._worker.drop(task.number)
            raise

    def _build(self, params: dict[str, Scalar]) -> BuiltModel:
        """Builds each model once, though its params may be judged twice: before they are queued, and when proposed."""
        assert self._dataset is not None
        key = frozenset(params.items())
        if key not in self._built:
            self._built[key] = self._try_to_build(BuildModel(self._source, self._dataset, params))
        return self._built[key]

    def _try_to_build(self, task: BuildModel) -> BuiltModel:
        """The model that the task builds, or why there is none: it took too long, or killed the worker.

        A worker that has replaced another one is prepared first, which takes none of the time.
        """
        try:
            call(self._worker, PrepareHyperModel(self._source), meanwhile=self._meanwhile)
            return self._call_timed(task)
        except _LateError as error:
            return BuiltModel(reason=f"building it {error}", kind="building it took too long")
        except WorkerError as error:  # perhaps it ran out of memory
            return BuiltModel(reason=f"building it failed: {error}", kind="building it failed")


class _BuildTime:
    """The seconds that building one model may take (None: any); what ``meanwhile`` does takes none of them."""

    def __init__(self, timeout: float | None, meanwhile: Callable[[], None]) -> None:
        self._timeout, self._meanwhile = timeout, meanwhile
        self.begin()

    def begin(self, *step: int) -> None:
        """Another model begins, as the task reports: its time starts."""
        self._end = time.monotonic() + (math.inf if self._timeout is None else self._timeout)

    def check(self) -> None:
        """Calls ``meanwhile``; _LateError when the time is up."""
        began = time.monotonic()
        if self._timeout is not None and began > self._end:
            raise _LateError(f"took longer than --trial-timeout {format_seconds(self._timeout)}")
        self._meanwhile()
        self._end += time.monotonic() - began
