"""How long trainings will take, learned from the epochs that have run in this study."""

import math
import statistics

from pipeline.study.trial import EpochReport

_OVERHEAD = 3.0
"""Seconds that a trial takes beside its epochs, until one has shown how long it takes before its first epoch."""

_LATEST = 100
"""The number of trials that count, the latest: a look at them takes no longer as trials add up."""

_MARGIN = 1.1
"""Trainings are taken to last so much longer than forecast."""


class Forecast:
    """Forecasts the seconds of an epoch from the MACs of a network and the epochs of those that have run.

    ``seconds_per_mac`` is what is known before any has: the seconds of an epoch per multiply-accumulate of a network
    (None: unknown, and everything fits). Where MACs are not known, networks count as equally large.
    """

    def __init__(self, seconds_per_mac: float | None = None) -> None:
        self._seconds_per_mac = seconds_per_mac
        self._begun: dict[int, float] = {}
        self._epochs: dict[int, tuple[int | None, list[float]]] = {}
        self._overheads: dict[int, float] = {}
        self._known = 0

    def learn(self, macs: int | None, report: EpochReport) -> None:
        """Takes in an epoch of a network of ``macs``; the first one of a trial also shows what comes before it."""
        before = self._begun.get(report.number)
        self._begun[report.number] = report.seconds
        if before is None:
            return
        seconds = report.seconds - before
        self._overheads.setdefault(report.number, max(0.0, before - seconds))
        self._note(report.number, macs, seconds)

    def learn_whole(self, number: int, macs: int | None, seconds: float, epochs: int) -> None:
        """Takes in a trial that has ended, unless its epochs are known better one by one."""
        if epochs and seconds > 0 and number not in self._epochs:
            self._note(number, macs, seconds / epochs)

    def _note(self, number: int, macs: int | None, seconds: float) -> None:
        self._known += number not in self._epochs
        self._epochs.setdefault(number, (macs, []))[1].append(seconds)
        for kept in (self._begun, self._overheads, self._epochs):
            while len(kept) > _LATEST:
                del kept[next(iter(kept))]

    @property
    def known(self) -> int:
        """The number of trials that the forecast has learned from."""
        return self._known

    def epoch_seconds(self, macs: int | None) -> float | None:
        """The seconds of an epoch, None if unknown: those of the trial of the most similar size, scaled.

        Of a trial, the median epoch counts: the last ones may have had the machine alone. A larger network takes longer
        in proportion, or by what its further MACs take as far as was known before, if that is less: the epochs of tiny
        networks are mostly spent beside computing. A smaller one takes shorter with the square root.
        """
        if not self._epochs:
            return None if self._seconds_per_mac is None or not macs else macs * self._seconds_per_mac
        epochs = [(size, statistics.median(seconds)) for size, seconds in self._epochs.values()]
        sizes = [(size, seconds) for size, seconds in epochs if size]
        if not macs or not sizes:
            return statistics.median(seconds for _, seconds in epochs)
        nearest, seconds = min(sizes, key=lambda known: abs(math.log(known[0] / macs)))
        if macs <= nearest:
            return seconds * math.sqrt(macs / nearest)
        in_proportion = seconds * macs / nearest
        if self._seconds_per_mac is None:
            return in_proportion
        return min(in_proportion, seconds + (macs - nearest) * self._seconds_per_mac)

    def epochs_within(self, seconds: float, macs: int | None) -> float:
        """How many epochs of a network of ``macs`` fit in so many seconds, with all that a trial takes beside them."""
        each = self.epoch_seconds(macs)
        if not each:
            return math.inf
        overhead = statistics.median(self._overheads.values()) if self._overheads else _OVERHEAD
        return max(0.0, (seconds / _MARGIN - overhead) / each)
