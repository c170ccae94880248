"""Where the space of a study comes from: a space file and its families, or a HyperModel of the user's."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from pipeline.candidate import Judge
from pipeline.data import Dataset
from pipeline.executors import Executor
from pipeline.job.job import Job
from pipeline.latency.model import LatencyModel
from pipeline.search.problem import MakeTask
from pipeline.space import Space
from pipeline.steps.networks import NetworkSizes


@dataclass(frozen=True)
class SearchedSpace:
    """A space, the judge of params in it, and what makes the training task of a candidate.

    ``text`` gives the text that the study's folder keeps of the space; ``code`` stands for the user's code that builds
    the models ("": none). ``while_judging`` takes what is to be called again and again while the judge takes long.
    """

    space: Space
    judge: Judge
    make_task: MakeTask
    text: Callable[[], str]
    latency: LatencyModel | None = None
    code: str = ""
    while_judging: Callable[[Callable[[], None]], None] = lambda meanwhile: None


class SpaceSource(Protocol):
    """Is asked for the images' shape first, since a HyperModel may need images of a certain shape."""

    def image_shape(self) -> tuple[tuple[int, int] | None, int | None]:
        """The (height, width) and the channels that the dataset must have, each None where it may decide itself."""

    def check(self, shape: tuple[int, int, int], classes: int) -> None:
        """A SpaceError if no images of this (height, width, channels) can be trained on, as far as that is known."""

    def network_sizes(self, dataset: Dataset) -> NetworkSizes | None:
        """How large the space's networks are; None if that is not known."""

    def searched_space(self, job: Job, dataset: Dataset, executor: Executor, quiet: bool) -> SearchedSpace:
        """The space that a planned job searches on this dataset; ``executor`` does what needs a worker with Keras."""

    def close(self) -> None:
        """Ends the processes that it has started."""
