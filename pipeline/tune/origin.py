"""Where the candidates of a study come from: the families of this project, or a HyperModel of the user's."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from pipeline import hypermodel
from pipeline import space as spaces
from pipeline.architecture.latency import LatencyModel
from pipeline.data import Dataset
from pipeline.errors import JobError
from pipeline.executors import Executor
from pipeline.folder import StudyFolder
from pipeline.loading import working
from pipeline.objective import minimised
from pipeline.search.candidate import Judge, judge
from pipeline.search.searches import SEARCHES
from pipeline.space import Space
from pipeline.training.hypermodel.task import Blueprint
from pipeline.tune.latency import latency_model
from pipeline.tune.setup import Asked, adjusted, read_space


@dataclass(frozen=True)
class Ground:
    """What a study searches: a space, what becomes of values in it, and the ``text`` that its folder keeps of it.

    ``code`` stands for the user's code that builds the models, "" where there is none.
    """

    space: Space
    judge: Judge
    text: Callable[[], str]
    latency: LatencyModel | None = None
    code: str = ""


class Origin(Protocol):
    """Is asked for the images first, since a space may need to know them."""

    def images(self) -> tuple[tuple[int, int] | None, int | None]:
        """The (height, width) and the channels that the dataset is to have, each None where it may decide itself."""

    def ground(self, data: Dataset, executor: Executor, quiet: bool) -> Ground:
        """What is searched on this dataset; work that needs a training worker is done on ``executor``."""

    def close(self) -> None:
        """Ends what it has started."""


def origin(asked: Asked, folder: StudyFolder, log: Path | None) -> Origin:
    """Of the job's space. A ConvtuneError when that cannot be; a HyperModel shows that only later."""
    blueprint = hypermodel.blueprint(asked.job.space)
    return _Families(asked, folder) if blueprint is None else _HyperModel(blueprint, asked, log)


class _Families:
    """A space that ships with convtune, or of a file."""

    def __init__(self, asked: Asked, folder: StudyFolder) -> None:
        self._asked, self._folder = asked, folder
        self._space = read_space(asked, folder)
        SEARCHES[asked.job.search](self._space, asked.job.seed)  # refuses what it cannot search

    def images(self) -> tuple[tuple[int, int] | None, int | None]:
        """As the job has it."""
        return self._asked.job.image_size, None

    def ground(self, data: Dataset, executor: Executor, quiet: bool) -> Ground:
        """The space of the file, and latencies where they are asked for."""
        job, space = self._asked.job, self._space
        latency = latency_model(space, job, self._folder, executor, quiet)
        found = partial(judge, space, shape=data.shape, classes=len(data.classes), latency=latency)
        return Ground(space, found, partial(spaces.source_text, job.space), latency)

    def close(self) -> None:
        """Nothing was started."""


class _HyperModel:
    """A HyperModel, read and judged by a worker of its own."""

    def __init__(self, blueprint: Blueprint, asked: Asked, log: Path | None) -> None:
        self._asked, self._blueprint, self._log = asked, blueprint, log
        self._builder: hypermodel.Builder | None = None
        self._file = ""

    def images(self) -> tuple[tuple[int, int] | None, int | None]:
        """As the job has it, else as the model takes them."""
        self._builder = hypermodel.Builder(self._blueprint, self._log)
        opened = self._builder.open()
        self._file = opened.file
        height, width, channels = opened.shape or (None, None, None)
        asked = self._asked.job.image_size
        return asked or ((height, width) if height and width else None), channels if channels in (1, 3) else None

    def ground(self, data: Dataset, executor: Executor, quiet: bool) -> Ground:
        """The space that the HyperModel describes."""
        assert self._builder is not None
        with working("reading the space", quiet):
            listed = self._builder.space(data)
        space = adjusted(listed, self._asked)
        SEARCHES[self._asked.job.search](space, self._asked.job.seed)
        beside = minimised(self._asked.job.objective)
        for flag, costs in (("--limit", space.limits), ("--objective", beside)):
            if unknown := [name for name in costs if name not in hypermodel.COUNTED]:
                known = " and ".join(hypermodel.COUNTED)
                raise JobError(f"{flag}: {unknown[0]} is not known of a HyperModel's models; {known} are")
        text = partial(hypermodel.text, listed, self._blueprint, self._file)
        code = hypermodel.fingerprint(self._blueprint, self._file)
        return Ground(space, partial(self._builder.judge, space.limits, beside), text, code=code)

    def close(self) -> None:
        """Ends the worker."""
        if self._builder is not None:
            self._builder.close()
