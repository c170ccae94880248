"""A task on its way to a machine that shares no files with this one: the files that it names travel with it.

A task names files and folders by ``Path``, and by nothing else. What exists when it is packed is an input; the others
are where its outputs go.
"""

import io
import pickle
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.executors.task import Task
from pipeline.study.trial import Decision, EpochReport, Report, ReportCallback, TrialResult


@dataclass(frozen=True)
class Parcel:
    """A pickled task without its paths; ``paths`` are those that it had, each once."""

    number: int
    content: bytes
    paths: tuple[Path, ...]


def pack(task: Task[Any]) -> Parcel:
    """The task, pickled, and the paths in it."""
    buffer = io.BytesIO()
    packer = _Packer(buffer)
    packer.dump(task)
    return Parcel(task.number, buffer.getvalue(), tuple(packer.paths))


@dataclass(frozen=True)
class Unpacked:
    """The task of a parcel where it has arrived, with ``places`` instead of the paths that it had.

    The files of its reports and of its result are named as the sender names them.
    """

    parcel: Parcel
    places: tuple[Path, ...]

    @property
    def number(self) -> int:
        """The task's number."""
        return self.parcel.number

    def run(self, report: ReportCallback) -> Any:
        """Runs the task; an error while it is unpickled counts as an error of the task."""

        def report_home(made: Report) -> Decision:
            return report(self._name_home(made))

        task: Task[Any] = _Unpacker(io.BytesIO(self.parcel.content), self.places).load()
        return self._name_home(task.run(report_home))

    def _name_home(self, value: Any) -> Any:
        """The value with the sender's path of the model, if it names a model here."""
        if isinstance(value, TrialResult):
            value = replace(value, history=tuple(map(self._name_home, value.history)))
        if not isinstance(value, TrialResult | EpochReport) or Path(value.model) not in self.places:
            return value
        return replace(value, model=str(self.parcel.paths[self.places.index(Path(value.model))]))


class _Packer(pickle.Pickler):
    """Pickles everything but paths, which it collects."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.paths: list[Path] = []

    def persistent_id(self, value: Any) -> int | None:
        if not isinstance(value, Path):
            return None
        if value not in self.paths:
            self.paths.append(value)
        return self.paths.index(value)


class _Unpacker(pickle.Unpickler):
    """Unpickles what ``_Packer`` has pickled, with other paths."""

    def __init__(self, file: io.BytesIO, places: tuple[Path, ...]) -> None:
        super().__init__(file)
        self._places = places

    def persistent_load(self, index: int) -> Path:
        return self._places[index]
