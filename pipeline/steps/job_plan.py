"""Applies the rule of ``pipeline.steps.plan`` to a job: fills in what it leaves open, and says so in one line."""

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
from pipeline.quantity import counted, format_count
from pipeline.search.samplers import SAMPLERS
from pipeline.steps.networks import NetworkSizes
from pipeline.steps.plan import (
    SECONDS,
    Budget,
    choose_epochs,
    choose_image_size,
    choose_macs,
    choose_space,
    lengthen,
    mean_macs,
)

_TRAINED = 0.7
"""The share of the images that train, as far as is known before they are split."""

_SMALLEST_SIDE = 4
"""Images with a shorter side, in pixels, are only trained when their size is asked for."""


@dataclass(frozen=True)
class PlannedJob:
    """A job that leaves nothing open, and the line that says what was planned ("": nothing).

    ``pictures`` are the images before they are resized; ``forecast`` says how many full trainings fit in the time.
    ``seconds_per_mac`` is the time of an epoch per multiply-accumulate of a network, on all cores (None: not measured).
    """

    job: Job
    line: str = ""
    seconds_per_mac: float | None = None
    pictures: Pictures | None = None
    forecast: str = ""


def fill_in_time(request: JobRequest) -> JobRequest:
    """The request with a time, unless trials are given or the search ends by itself, and with a space for that time.

    A study that has begun keeps its space.
    """
    job = request.job
    begun = bool(job.study) and name_study(job).exists
    ends = job.trials is not None or SAMPLERS[job.search].exhaustive
    time = SECONDS if job.time is None and not ends else job.time
    space = job.space if begun or "space" in request.given else choose_space(time, job.trials)
    return replace(request, job=replace(job, time=time, space=space))


class JobPlanner:
    """Plans what a new job leaves open; what was given stays.

    ``own_size`` is the (height, width) that the job or its space asks for, None if any will do. ``measure_rate`` gives
    the multiply-accumulates of training per second; it is called only if the plan depends on it. ``check`` raises an
    error if no network for images of a (height, width, channels) and so many classes can be trained. ``workers`` train
    side by side.
    """

    def __init__(
        self,
        request: JobRequest,
        own_size: tuple[int, int] | None,
        measure_rate: Callable[[], float],
        check: Callable[[tuple[int, int, int], int], None],
        workers: int = 1,
    ) -> None:
        self._job, self._given = request.job, request.given
        self._own_size, self._measure_rate, self._check = own_size, measure_rate, check
        self._workers = workers
        self._pictures: Pictures | None = None

    @cached_property
    def _budget(self) -> Budget:
        return Budget.share(self._job.time, self._job.trials, self._measure_rate(), self._workers)

    def choose_size(self, pictures: Pictures) -> tuple[int, int]:
        """The (height, width) for the dataset's images: that which is asked for, else one that the time allows."""
        self._pictures = pictures
        channels = min(pictures.channels, 3)
        if self._own_size is not None:
            self._check((*self._own_size, channels), pictures.classes)
            return self._own_size
        if min(pictures.height, pictures.width) < _SMALLEST_SIDE:
            raise DataError(
                f"--data: its images are {pictures.height}x{pictures.width} pixels, too small to show anything; "
                "enlarge them with --image-size 32, or give that very size with --image-size"
            )
        own, images = (pictures.height, pictures.width), max(1, round(_TRAINED * pictures.images))
        smallest = choose_image_size(own, work=1)
        self._check((*smallest, channels), pictures.classes)  # before the rate is measured
        return choose_image_size(own, self._budget.work(images, self._job.epochs or choose_epochs(images)))

    def complete(self, dataset: Dataset, sizes: NetworkSizes | None) -> PlannedJob:
        """The job with everything filled in; a limit of MACs only if ``sizes`` are known and not limited already."""
        images, (height, width, _) = len(dataset.train), dataset.shape
        planned: dict[str, Any] = {}
        if self._own_size is None:
            planned["image_size"] = (height, width)
        epochs = self._job.epochs or self._choose_epochs(images, height * width)
        if self._job.epochs is None:
            planned["epochs"] = epochs
        if sizes is not None and not sizes.limited:
            macs = choose_macs(self._mean_macs(images, epochs, height * width), height * width, sizes.least)
            planned["limits"] = tuple(sorted({**dict(self._job.limits), "macs": macs}.items()))
        job = replace(self._job, **planned)
        forecast = self._forecast(job, dataset, sizes)
        line = self._describe(job, planned, dataset, forecast) if planned else ""
        needs_rate = self._knows_rate or (self._job.time is not None and sizes is not None)
        seconds_per_mac = self._budget.seconds_per_mac(images) if needs_rate else None
        return PlannedJob(job, line, seconds_per_mac, self._pictures, forecast)

    def _choose_epochs(self, images: int, pixels: int) -> int:
        """More epochs where there is ample time, if that is known: nothing else of a HyperModel may need the rate."""
        epochs = choose_epochs(images)
        if not self._knows_rate:
            return epochs
        return lengthen(epochs, self._mean_macs(images, epochs, pixels), pixels)

    def _mean_macs(self, images: int, epochs: int, pixels: int) -> float:
        return mean_macs(self._budget.work(images, epochs), pixels)

    @property
    def _knows_rate(self) -> bool:
        """Whether something that was planned depends on the rate."""
        return "_budget" in vars(self)

    def _describe(self, job: Job, planned: Mapping[str, Any], dataset: Dataset, forecast: str) -> str:
        """The line that says what was planned, and which flags change it."""
        assert self._pictures is not None
        own, size = f"{self._pictures.height}x{self._pictures.width}", "{}x{}".format(*dataset.shape)
        limit = dict(job.limits).get("macs")
        networks = f", networks up to {format_count(int(limit))} MACs" if "limits" in planned and limit else ""
        names = {*planned, "time", *({"space"} - self._given)}
        flags = ", ".join(setting.flag for setting in SETTINGS.values() if setting.name in names)
        flags = flags.replace("--limit", "--limit macs=N")
        return (
            f"{len(dataset.images):,} pictures of {own}: space {job.space} at {size}{networks}, "
            f"{forecast}; change with {flags}"
        )

    def _forecast(self, job: Job, dataset: Dataset, sizes: NetworkSizes | None) -> str:
        """How many full trainings there will be, and how long they take, as far as that is known."""
        images, (height, width, _) = len(dataset.train), dataset.shape
        each = counted(job.full_epochs, "epoch")
        if not self._knows_rate:
            return f"trials of {each}" + (f" for {_duration(job.time)}" if job.time else "")
        limit = dict(job.limits).get("macs")
        mean = sizes.mean(limit if isinstance(limit, int) else math.inf) if sizes else None
        if mean is None:
            mean = self._mean_macs(images, job.full_epochs, height * width)
        seconds = self._budget.seconds_per_trial(mean, images, job.full_epochs, height * width)
        if job.time is None:
            if job.trials is None:
                return f"trials of {each}, about {_duration(seconds)} each"
            return f"{counted(job.trials, 'trial')} of {each} in at most about {_duration(job.trials * seconds)}"
        fit = round(job.time / seconds)
        if not fit:
            return f"{_duration(job.time)}, though one full training of {each} takes about {_duration(seconds)}"
        if job.trials is not None and job.trials <= fit:
            return f"{counted(job.trials, 'trial')} of {each} in {_duration(job.time)}"
        return f"about {counted(fit, 'full training')} of {each} in {_duration(job.time)}"


def _duration(seconds: float) -> str:
    """A rough duration.

    >>> _duration(600.0), _duration(45.0), _duration(5400.0)
    ('10 min', '45 s', '1.5 h')
    """
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length or (seconds >= length and unit != "d"):
            number = seconds / length
            return f"{number:,.0f} {unit}" if number >= 10 else f"{number:.2g} {unit}"
    return f"{seconds:.0f} s"
