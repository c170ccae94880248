"""A space that ships with convtune, or that of a space file: its candidates are networks of the FAMILIES."""

from functools import partial

from pipeline.candidate import judge
from pipeline.console import note
from pipeline.data import Dataset
from pipeline.executors import Executor
from pipeline.job.job import Job
from pipeline.job.request import JobRequest
from pipeline.latency.study import load_or_calibrate
from pipeline.space import limit, source_text
from pipeline.steps.feasible import check_feasible
from pipeline.steps.networks import NetworkSizes, measure_networks
from pipeline.steps.requested_space import adjust, attempted_points, describe_replaced, load_space, weigh_classes
from pipeline.steps.space_source import SearchedSpace
from pipeline.study.paths import StudyPaths
from pipeline.training.task import make_task


class FamilySpace:
    """The source of such a space; SpaceError or JobError when it is invalid or cannot be searched as asked."""

    def __init__(self, request: JobRequest, paths: StudyPaths) -> None:
        self._request, self._paths = request, paths
        loaded = load_space(request, paths)
        self._space = adjust(weigh_classes(loaded, request.job), request)
        self._replaced = describe_replaced(loaded, request.job)

    def image_shape(self) -> tuple[tuple[int, int] | None, int | None]:
        """The size that the job asks for."""
        return self._request.job.image_size, None

    def check(self, shape: tuple[int, int, int], classes: int) -> None:
        """See ``feasible.check_feasible``."""
        check_feasible(self._space, attempted_points(self._space, self._request), shape, classes)

    def network_sizes(self, dataset: Dataset) -> NetworkSizes:
        """Those of draws, start points and the points to try first."""
        limited = "macs" in {**self._space.limits, **dict(self._request.job.limits)}
        return measure_networks(self._space, attempted_points(self._space, self._request), dataset, limited)

    def searched_space(self, job: Job, dataset: Dataset, executor: Executor, quiet: bool) -> SearchedSpace:
        """The space of the file, with a latency model where a limit or an objective needs one.

        SpaceError if no network of the space can be trained on these images.
        """
        space, shape, classes = limit(self._space, dict(job.limits)), dataset.shape, len(dataset.classes)
        check_feasible(space, attempted_points(space, self._request), shape, classes)
        if self._replaced and not quiet:
            note(self._replaced)
        needed = "latency_ms" in (*space.limits, *job.study_objective.minimized)
        model = load_or_calibrate(self._paths, executor, quiet) if needed else None
        latency = None if model is None else model.predict
        return SearchedSpace(
            space,
            judge=partial(judge, space, shape=shape, classes=classes, latency=latency),
            make_task=make_task,
            text=partial(source_text, job.space),
            latency=model,
        )

    def close(self) -> None:
        """Nothing was started."""
