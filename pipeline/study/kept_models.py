"""Which models of a study stay on disk: those of its best trials, and those that somebody is reading."""

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from pipeline.study.paths import StudyPaths
from pipeline.study.record import TrialRecord, mark_front, ranked

try:
    import fcntl
except ImportError:  # where a file that is open cannot be removed anyway
    fcntl = None  # type: ignore[assignment]


def kept(records: Sequence[TrialRecord], count: float) -> list[int]:
    """The numbers of the trials whose models stay: the ``count`` best by score, best first, then the Pareto front.

    Those without a score come after all others. As trials are added, none comes back that has been left out: so of
    the ones that were kept and a new one, the same stay as of all.
    """
    with_model = [record for record in records if record.result.model]
    by_score = ranked([replace(record, front=False) for record in with_model])
    places = {record.number: None for record in (*by_score, *with_model)}  # in the order in which they came
    numbers = list(places) if count >= len(places) else list(places)[: int(count)]
    front = [record.number for record in mark_front(with_model) if record.front]
    return list(dict.fromkeys([*numbers, *front]))


class KeptModels:
    """The models of a study that runs. Trials that begin and end are told; of those that have ended the best stay."""

    def __init__(self, paths: StudyPaths, records: Iterable[TrialRecord], count: float) -> None:
        """Removes what earlier sessions, which may have kept more, have left of ``records``."""
        self._paths, self._count = paths, count
        self._ended: dict[int, TrialRecord] = {}
        self._add(records)

    def trial_started(self, number: int) -> None:
        """The model of a running trial stays, whichever run of it has written that."""
        self._ended.pop(number, None)

    def trial_ended(self, record: TrialRecord) -> None:
        """Removes the model of the trial, or that of another that it has pushed out."""
        if not record.result.model:
            self._paths.model(record.number).unlink(missing_ok=True)  # saved as it went
        self._add([record])

    def _add(self, records: Iterable[TrialRecord]) -> None:
        self._ended |= {record.number: record for record in records if record.result.model}
        if len(self._ended) <= self._count:
            return
        stay = {*kept(list(self._ended.values()), self._count)}
        for number in self._ended.keys() - stay:
            if _remove_unless_held(self._paths.model(number)):
                del self._ended[number]


def hold(model: Path) -> None:
    """Keeps a study that runs from removing the file, as long as this process lives.

    FileNotFoundError if it is gone already. On a file system without locks it may go; who cannot read it is told later.
    """
    with suppress(PermissionError):
        _lock(os.open(model, os.O_RDONLY), exclusive=False)
        model.stat()  # it may have been removed while this waited


def _remove_unless_held(model: Path) -> bool:
    """Removes a model; False if another process holds it, True also if there is none."""
    try:
        descriptor = os.open(model, os.O_RDONLY)
    except FileNotFoundError:
        return True
    try:
        if _lock(descriptor, exclusive=True):
            model.unlink(missing_ok=True)
            return True
        return False
    finally:
        os.close(descriptor)


def _lock(descriptor: int, exclusive: bool) -> bool:
    """Locks an open file; False if another process keeps it from being locked exclusively."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB if exclusive else fcntl.LOCK_SH)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True
