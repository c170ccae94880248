"""Applies the rule of ``pipeline.tune.plan`` to a job: fills in what it leaves open, and says so in one line."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from pipeline.data import Dataset
from pipeline.data.form import Pictures
from pipeline.errors import DataError
from pipeline.job.job import SETTINGS, Job
from pipeline.job.request import JobRequest, name_study
from pipeline.quantity import format_count
from pipeline.search.samplers import SAMPLERS
from pipeline.tune.feasible import NetworkSizes
from pipeline.tune.plan import (
    SECONDS,
    Budget,
    choose_epochs,
    choose_image_size,
    choose_macs,
    choose_space,
)

_TRAINED = 0.7
"""The share of the images that train, as far as is known before they are split."""

_SMALLEST_SIDE = 4
"""Pictures with a shorter side, in pixels, are only trained when their size is asked for."""


@dataclass(frozen=True)
class PlannedJob:
    """A job that leaves nothing open, and the line that says what was planned ("": nothing)."""

    job: Job
    line: str = ""


def fill_in_time(request: JobRequest) -> JobRequest:
    """The request with a time, unless trials are given or the search ends by itself, and with a space for that time.

    A study that has begun keeps its space.
    """
    job = request.job
    begun = bool(job.study) and name_study(job).exists
    ends = job.trials is not None or SAMPLERS[job.search].exhaustive
    time = SECONDS if job.time is None and not ends else job.time
    space = job.space if begun or "space" in request.given else choose_space(time)
    return replace(request, job=replace(job, time=time, space=space))


class JobPlanner:
    """Plans what a new job leaves open; what was given stays.

    ``own_size`` is the (height, width) that the job or its space asks for, None if any will do. ``measure_rate`` gives
    the multiply-accumulates of training per second; it is called only if the plan depends on it.
    """

    def __init__(
        self, request: JobRequest, own_size: tuple[int, int] | None, measure_rate: Callable[[], float]
    ) -> None:
        self._job, self._given = request.job, request.given
        self._own_size, self._measure_rate = own_size, measure_rate
        self._pictures: Pictures | None = None

    @cached_property
    def _budget(self) -> Budget:
        return Budget.share(self._job.time, self._job.trials, self._measure_rate())

    def choose_size(self, pictures: Pictures) -> tuple[int, int]:
        """The (height, width) for the dataset's images: that which is asked for, else one that the time allows."""
        self._pictures = pictures
        if self._own_size is not None:
            return self._own_size
        if min(pictures.height, pictures.width) < _SMALLEST_SIDE:
            raise DataError(
                f"--data: its pictures are {pictures.height}x{pictures.width} pixels, too small to show anything; "
                "enlarge them with --image-size 32, or give that very size with --image-size"
            )
        images = max(1, round(_TRAINED * pictures.images))
        return choose_image_size((pictures.height, pictures.width), self._budget.macs(images, self._epochs(images)))

    def complete(self, dataset: Dataset, sizes: NetworkSizes | None) -> PlannedJob:
        """The job with everything filled in; a limit of MACs only if ``sizes`` are known and not limited already."""
        images, (height, width, _) = len(dataset.train), dataset.shape
        planned: dict[str, Any] = {}
        if self._own_size is None:
            planned["image_size"] = (height, width)
        if "epochs" not in self._given:
            planned["epochs"] = self._epochs(images)
        if sizes is not None and not sizes.limited:
            mean = self._budget.macs(images, self._epochs(images))
            macs = choose_macs(mean, height * width, sizes.least)
            planned["limits"] = tuple(sorted({**dict(self._job.limits), "macs": macs}.items()))
        job = replace(self._job, **planned)
        return PlannedJob(job, self._describe(job, planned, dataset, sizes) if planned else "")

    def _epochs(self, images: int) -> int:
        return self._job.epochs if "epochs" in self._given else choose_epochs(images)

    def _describe(self, job: Job, planned: Mapping[str, Any], dataset: Dataset, sizes: NetworkSizes | None) -> str:
        """What was planned, and the flags that change it."""
        assert self._pictures is not None
        own, size = f"{self._pictures.height}x{self._pictures.width}", "{}x{}".format(*dataset.shape)
        limit = dict(job.limits).get("macs")
        networks = f", networks up to {format_count(int(limit))} MACs" if "limits" in planned and limit else ""
        names = {*planned, "time", *({"space"} - self._given)}
        flags = ", ".join(setting.flag for setting in SETTINGS.values() if setting.name in names)
        flags = flags.replace("--limit", "--limit macs=N")
        return (
            f"{self._pictures.images:,} pictures of {own}: space {job.space} at {size}{networks}, "
            f"{self._forecast(job, len(dataset.train), sizes)}; change with {flags}"
        )

    def _forecast(self, job: Job, images: int, sizes: NetworkSizes | None) -> str:
        """How many trials there will be, and how long they take, as far as that is known."""
        each = f"{job.epochs} epochs"
        if "_budget" not in vars(self):  # nothing that was planned depends on the rate
            return f"trials of {each}" + (f" for {_duration(job.time)}" if job.time else "")
        limit = dict(job.limits).get("macs")
        mean = sizes.mean(limit if isinstance(limit, int) else math.inf) if sizes else None
        seconds = self._budget.seconds_per_trial(mean or self._budget.macs(images, job.epochs), images, job.epochs)
        if job.time is None:
            if job.trials is None:
                return f"trials of {each}, about {_duration(seconds)} each"
            return f"{job.trials} trials of {each} in about {_duration(job.trials * seconds)}"
        fit = max(1, round(job.time / seconds))
        trials = f"about {fit}" if job.trials is None or fit < job.trials else f"{job.trials}"
        return f"{trials} trials of {each} in {_duration(job.time)}"


def _duration(seconds: float) -> str:
    """A rough duration.

    >>> _duration(600.0), _duration(45.0), _duration(5400.0)
    ('10 min', '45 s', '1.5 h')
    """
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.2g} {unit}"
    return f"{seconds:.0f} s"
