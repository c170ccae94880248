"""Where the next trial comes from: hand-picked points, then the search's own, then what is left of a small space."""

from collections.abc import Iterable, Iterator

from optuna.samplers import BaseSampler

from pipeline.hyperparameter import Values
from pipeline.search.candidate import Candidate, Judge
from pipeline.search.ledger import Ledger, Proposal
from pipeline.search.searches import Search
from pipeline.space import Space
from pipeline.trial import Trial

Begun = tuple[Trial, Candidate]

_SMALL = 20_000
"""Points of a space that is small enough to go through one by one."""
_PATIENCE = 50
"""Useless draws in a row after which a small space is gone through; a sampler repeats itself when little is left."""
_GIVE_UP = 500
"""Useless draws in a row after which a large space counts as used up."""


class Proposer:
    """Turns proposals into trials; the infeasible and the repeated ones are told to the search and passed over."""

    def __init__(self, space: Space, search: Search, ledger: Ledger, judge: Judge, seed: int) -> None:
        self._space, self._ledger, self._judge, self._seed = space, ledger, judge, seed
        self._points, self._sampler = search.points, search.sampler
        size = space.size()
        self._small = size is not None and size <= _SMALL
        self.why = "the space has no further candidate"

    def proposals(self, epochs: int) -> Iterator[Begun | None]:
        """One proposal after another, judged when it is asked for: a trial of ``epochs`` epochs, or None for none.

        Judging may take seconds, so others get a turn after each. It ends when nothing is left; ``why`` says why.
        """
        yield from self._queued(epochs)
        yield from self._each(self._points, epochs)
        if self._sampler is not None:
            yield from self._drawn(self._sampler, epochs)
            yield from self._each(self._space.points() if self._small else (), epochs)

    def _queued(self, epochs: int) -> Iterator[Begun | None]:
        while self._ledger.queued:
            yield self._consider(self._ledger.ask(None), epochs)

    def _drawn(self, sampler: BaseSampler, epochs: int) -> Iterator[Begun | None]:
        patience, useless = _PATIENCE if self._small else _GIVE_UP, 0
        while useless < patience:
            begun = self._consider(self._ledger.ask(sampler), epochs)
            useless = useless + 1 if begun is None else 0
            yield begun
        if not self._small:
            self.why = f"{_GIVE_UP} proposals in a row were infeasible or known already"

    def _each(self, points: Iterable[Values], epochs: int) -> Iterator[Begun | None]:
        for values in points:
            if self._ledger.judged(values):
                continue
            if self._is_new(values):
                self._ledger.enqueue(values)
                yield from self._queued(epochs)
            else:
                yield None

    def _is_new(self, values: Values) -> bool:
        candidate = self._judge(dict(values)).candidate
        return candidate is None or self._ledger.known(candidate) is None

    def _consider(self, proposal: Proposal, epochs: int) -> Begun | None:
        verdict = self._judge(proposal.values)
        if verdict.candidate is None:
            self._ledger.reject(proposal, verdict)
        elif (known := self._ledger.known(verdict.candidate)) is not None:
            self._ledger.repeat(proposal, verdict, known)
        else:
            trial = self._ledger.accept(proposal, verdict, verdict.candidate, self._seed, epochs)
            return trial, verdict.candidate
        return None
