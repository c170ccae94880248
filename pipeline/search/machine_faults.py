"""When a study gives up on its machine: it fails one trial after another."""

import time

from pipeline.study.trial import Fault, TrialResult

_IN_A_ROW = 5
"""Faults in a row that end a study.

It takes several, since a network that is too large for the memory has its worker killed too, and the next one may fit:
where one candidate in ten is too large, five follow each other once in 100,000 trials, three once in 1,000.
"""


class MachineFaults:
    """The faults of the machine since a trial has trained, in the order in which trials end.

    One event, such as the death of a node, fails everything that trains at that moment, and counts once. A session
    counts its own: a study that goes on, once the disk has room again, begins at none.
    """

    def __init__(self) -> None:
        self._row, self._first = 0, 0.0

    def add(self, result: TrialResult, began: float) -> None:
        """Takes notice of how a trial ended that began then (monotonic seconds).

        One that failed by itself before the end of its first epoch tells nothing about the machine.
        """
        if result.fault is not Fault.MACHINE:
            self._row = 0 if result.epochs else self._row
        elif not self._row:
            self._row, self._first = 1, time.monotonic()
        elif began >= self._first:
            self._row += 1

    @property
    def persist(self) -> bool:
        """Whether no further trial should begin, since it would fail as well."""
        return self._row >= _IN_A_ROW
