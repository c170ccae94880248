"""How long trainings will take, learned from the epochs that have run in this study."""

import math
import statistics

from pipeline.study.trial import EpochReport

BESIDE_PER_IMAGE, BESIDE_PER_PIXEL = 2e6, 750
"""The work of training beside the network's own MACs, as MACs: reading images, steps, layers that wait for memory.

Fitted to the epochs of random networks of ``plain`` at 16x16 to 96x96 pixels, on two cores with two workers. Measured
again (``bench/epoch_time.py``), those of 74 networks, mostly the same ones, were within a factor of e^0.25 (standard
deviation); 1.5 million and 530, which suit them best, give e^0.24.
"""

TRIAL_OVERHEAD = 3.0
"""The seconds of a trial that do not depend on its network: tracing the graph, saving the model.

A trial that has begun shows how long it takes before its first epoch; from then on that counts.
"""

_LATEST = 100
"""The number of trials that count, the latest: a look at them takes no longer as trials add up."""

_MARGIN = 1.1
"""Trainings are taken to last so much longer than forecast."""


def macs_beside(pixels: int) -> float:
    """The work of training on one image of ``pixels`` beside the network's own MACs, as MACs."""
    return BESIDE_PER_IMAGE + BESIDE_PER_PIXEL * pixels


class Forecast:
    """Forecasts the seconds of an epoch from the MACs of a network and the epochs of those that have run.

    An epoch takes as long as its MACs, those of the network and those beside it, for images of ``pixels``.
    ``seconds_per_mac`` is the time that they take as far as is known before any epoch has run (None: unknown, and
    everything fits). Where MACs are not known, networks count as equally large.
    """

    def __init__(self, pixels: int = 0, seconds_per_mac: float | None = None) -> None:
        self._beside, self._seconds_per_mac = macs_beside(pixels), seconds_per_mac
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
        """The seconds of an epoch, None if unknown: its MACs at the median pace of the trials.

        Of a trial, the median epoch counts: the last ones may have had the machine alone. In four studies of ``plain``
        the next trial's epochs were off by a factor of e^0.25 (root of the mean square), and by e^0.29 where the pace
        was that of the trial with the most similar network (``bench/epoch_time.py``).
        """
        epochs = [(size, statistics.median(seconds)) for size, seconds in self._epochs.values()]
        paces = [seconds / (size + self._beside) for size, seconds in epochs if size]
        if not epochs and self._seconds_per_mac is not None:
            paces.append(self._seconds_per_mac)
        if macs and paces:
            return (macs + self._beside) * statistics.median(paces)
        return statistics.median(seconds for _, seconds in epochs) if epochs else None

    def epochs_within(self, seconds: float, macs: int | None) -> float:
        """How many epochs of a network of ``macs`` fit in so many seconds, with all that a trial takes beside them."""
        each = self.epoch_seconds(macs)
        if not each:
            return math.inf
        overhead = statistics.median(self._overheads.values()) if self._overheads else TRIAL_OVERHEAD
        return max(0.0, (seconds / _MARGIN - overhead) / each)
