"""Where the next trial comes from: hand-picked points, then the search's own, then what is left of a small space."""

from collections.abc import Iterable

from pipeline.hyperparameter import Values
from pipeline.search.candidate import Candidate, judge
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

    def __init__(
        self, space: Space, search: Search, ledger: Ledger, shape: tuple[int, int, int], classes: int, seed: int
    ) -> None:
        self._space, self._ledger, self._shape, self._classes, self._seed = space, ledger, shape, classes, seed
        self._points, self._sampler = search.points, search.sampler
        size = space.size()
        self._small = size is not None and size <= _SMALL
        self.why = "the space has no further candidate"

    def next(self, epochs: int) -> Begun | None:
        """The next trial of ``epochs`` epochs and its candidate, or None when there is nothing left to try."""
        for source in (self._queued, self._listed, self._drawn, self._remaining):
            if (begun := source(epochs)) is not None:
                return begun
        return None

    def _queued(self, epochs: int) -> Begun | None:
        while self._ledger.queued:
            if (begun := self._consider(self._ledger.ask(None), epochs)) is not None:
                return begun
        return None

    def _listed(self, epochs: int) -> Begun | None:
        return self._first_new(self._points, epochs)

    def _drawn(self, epochs: int) -> Begun | None:
        for _ in range(_PATIENCE if self._small else _GIVE_UP):
            if self._sampler is None:
                return None
            if (begun := self._consider(self._ledger.ask(self._sampler), epochs)) is not None:
                return begun
        self._sampler = None
        if not self._small:
            self.why = f"{_GIVE_UP} proposals in a row were infeasible or known already"
        return None

    def _remaining(self, epochs: int) -> Begun | None:
        return self._first_new(self._space.points(), epochs) if self._small else None

    def _first_new(self, points: Iterable[Values], epochs: int) -> Begun | None:
        for values in points:
            if self._is_new(values):
                self._ledger.enqueue(values)
                if (begun := self._queued(epochs)) is not None:
                    return begun
        return None

    def _is_new(self, values: Values) -> bool:
        if self._ledger.rejected(values):
            return False
        candidate = judge(self._space, dict(values), self._shape, self._classes).candidate
        return candidate is None or self._ledger.known(candidate) is None

    def _consider(self, proposal: Proposal, epochs: int) -> Begun | None:
        verdict = judge(self._space, proposal.values, self._shape, self._classes)
        if verdict.candidate is None:
            self._ledger.reject(proposal, verdict)
        elif (known := self._ledger.known(verdict.candidate)) is not None:
            self._ledger.repeat(proposal, verdict, known)
        else:
            trial = self._ledger.accept(proposal, verdict, verdict.candidate, self._seed, epochs)
            return trial, verdict.candidate
        return None
