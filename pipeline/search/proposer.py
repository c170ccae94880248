"""The source of the next trial: the queue, the sampler's list, its draws, then the rest of a small space."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from optuna.samplers import BaseSampler

from pipeline.candidate import Candidate, Judge
from pipeline.hyperparameter import Params
from pipeline.search.samplers import SearchPlan
from pipeline.search.stop_reason import GIVE_UP_AFTER, StopReason
from pipeline.search.storage import Proposal, StudyStorage
from pipeline.space import Space, enumeration
from pipeline.study.record import TrialRecord

_SMALL = 20_000
"""The largest number of points of a space that counts as small, so that it can be enumerated."""
_PATIENCE = 50
"""Useless draws in a row after which a small space is enumerated: samplers repeat themselves when little is left."""
_TOO_LONG = 20
"""Candidates in a row that cannot be trained in the time that is left, after which no other is looked for."""

EpochsThatFit = Callable[[Candidate], float]
"""How many epochs of a candidate fit in the time that is left."""


def _endless(candidate: Candidate) -> float:
    return math.inf


@dataclass(frozen=True)
class Accepted:
    """A proposal that has become a trial, and the candidate that it trains."""

    record: TrialRecord
    candidate: Candidate


class Proposer:
    """Turns proposals into trials; infeasible and repeated ones are reported to the sampler and skipped.

    So are candidates of which not even half of the epochs fit in the time that is left; others are trained for as many
    as fit. ``seed`` is the study's; the seeds of its trials are derived from it.
    """

    def __init__(self, space: Space, plan: SearchPlan, storage: StudyStorage, judge: Judge, seed: int) -> None:
        self._space, self._storage, self._judge, self._seed = space, storage, judge, seed
        self._points, self._sampler = plan.points, plan.sampler
        size = enumeration.size(space)
        self._small = size is not None and size <= _SMALL
        self._fit: EpochsThatFit = _endless
        self._postponed = self._too_long = 0
        self.stop_reason = StopReason.SPACE_COVERED

    def proposals(self, fit: EpochsThatFit = _endless) -> Iterator[Accepted | None]:
        """Judges one proposal per step and yields its trial, or None if it does not become one.

        Judging may take seconds, so the caller gets a turn after each proposal. The iterator ends when nothing is
        left, or ``fit`` leaves nothing; ``stop_reason`` then says why. Points that came from the queue and did not fit
        in an earlier call are queued again, as are trials that an earlier process had to shorten.
        """
        self._fit, self._postponed, self._too_long = fit, 0, 0
        self.stop_reason = StopReason.SPACE_COVERED
        self._storage.requeue_for_time()
        for accepted in self._all():
            yield accepted
            if self._too_long >= _TOO_LONG:
                break
        if self._postponed:
            self.stop_reason = StopReason.NO_TIME

    def _all(self) -> Iterator[Accepted | None]:
        yield from self._queued()
        yield from self._each(self._points)
        if self._sampler is not None:
            yield from self._draws(self._sampler)
            yield from self._each(enumeration.points(self._space) if self._small else ())

    def _queued(self) -> Iterator[Accepted | None]:
        while self._storage.queued:
            yield self._consider(self._storage.ask(None))

    def _draws(self, sampler: BaseSampler) -> Iterator[Accepted | None]:
        patience, useless = _PATIENCE if self._small else GIVE_UP_AFTER, 0
        while useless < patience:
            accepted = self._consider(self._storage.ask(sampler))
            useless = useless + 1 if accepted is None else 0
            yield accepted
        if not self._small:
            self.stop_reason = StopReason.NOTHING_NEW

    def _each(self, points: Iterable[Params]) -> Iterator[Accepted | None]:
        for params in points:
            if self._storage.is_judged(params):
                continue
            if self._is_new(params):
                self._storage.enqueue(params)
                yield from self._queued()
            else:
                yield None

    def _is_new(self, params: Params) -> bool:
        candidate = self._judge(dict(params)).candidate
        return candidate is None or self._storage.number_of(candidate) is None

    def _consider(self, proposal: Proposal) -> Accepted | None:
        feasibility = self._judge(proposal.params)
        candidate = feasibility.candidate
        if candidate is None:
            self._storage.reject(proposal, feasibility)
        elif (number := self._storage.number_of(candidate)) is not None:
            self._storage.repeat(proposal, feasibility, number)
        elif (epochs := self._epochs(candidate)) == 0:
            self._storage.postpone(proposal)
            self._postponed += 1
            self._too_long += 1
        else:
            self._too_long = 0
            return Accepted(self._storage.accept(proposal, feasibility, candidate, self._seed, epochs), candidate)
        return None

    def _epochs(self, candidate: Candidate) -> int:
        """All epochs if they fit in the time that is left; as many as fit, if they are half of them; else 0.

        The first trial begins however few fit: a short one is better than none.
        """
        full = self._storage.full_epochs
        fit = int(min(self._fit(candidate), full))
        return max(1, fit) if 2 * fit >= full or not self._storage.begun else 0
