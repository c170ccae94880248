"""How a study stands: its best score, and how many trials have ended since without a better one."""

from collections.abc import Iterable

from pipeline.study.record import TrialRecord
from pipeline.study.trial import Fault, TrialState


class Standing:
    """What the trials of a study that have ended come to, in the order of their numbers.

    That order is the same for trials side by side and after a resumption, so a resumed study stands as it stood.
    """

    def __init__(self, records: Iterable[TrialRecord]) -> None:
        self._ended: list[int] = []
        self._best: TrialRecord | None = None
        self._best_model: TrialRecord | None = None
        for record in records:
            self.add(record)

    def add(self, record: TrialRecord) -> None:
        """Takes notice of a trial, if it has ended."""
        if record.result.model:
            self._best_model = _better(self._best_model, record)
        if record.state is TrialState.RUNNING or not record.state.counts_towards_total:
            return
        if record.result.fault is Fault.MACHINE:
            return
        self._ended.append(record.number)
        if record.state is not TrialState.FAILED:
            self._best = _better(self._best, record)

    @property
    def without_progress(self) -> int:
        """How many trials have ended that are numbered after the one with the best score; all, if none has a score.

        Complete, pruned and failed ones count. An infeasible proposal is no trial, an interrupted trial is repeated,
        and one that failed through a fault of the machine may be. Only the score counts, also where costs are minimised
        beside it.
        """
        since = -1 if self._best is None else self._best.number
        return sum(number > since for number in self._ended)

    def reaching(self, score: float) -> TrialRecord | None:
        """The trial with the best model, if its score is at least as good as ``score``."""
        found = self._best_model
        if found is None or found.score is None or not found.metric.reaches(found.score, score):
            return None
        return found


def _better(one: TrialRecord | None, other: TrialRecord) -> TrialRecord | None:
    """The one with the better score; of equal ones, the one with the smaller number."""
    return min(
        (record for record in (one, other) if record is not None and record.score is not None), key=_rank, default=None
    )


def _rank(record: TrialRecord) -> tuple[float, int]:
    assert record.score is not None
    return record.metric.loss(record.score), record.number
