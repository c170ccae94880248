"""When a study gives up on its machine: it fails one trial after another."""

import time
from collections import defaultdict
from dataclasses import dataclass

from pipeline.study.trial import Fault, TrialResult

_IN_A_ROW = 5
"""Faults in a row that end a study.

It takes several, since a network that is too large for the memory has its worker killed too, and the next one may fit:
where one candidate in ten is too large, five follow each other once in 100,000 trials, three once in 1,000.
"""


@dataclass
class _FaultsInARow:
    """Faults since a trial has trained, and when the first of them was (monotonic seconds)."""

    length: int = 0
    first: float = 0.0

    def add(self, result: TrialResult, began: float) -> None:
        if result.fault is not Fault.MACHINE:
            self.length = 0 if result.epochs else self.length
        elif not self.length:
            self.length, self.first = 1, time.monotonic()
        elif began >= self.first:
            self.length += 1


class MachineFaults:
    """The faults of the machine since a trial has trained, in the order in which trials end; and those of each slot.

    One slot may have a bad GPU while others train: it fails at once, so that most trials come to it. A slot whose trial
    has ended an epoch is well, whatever ended the trial. One event, such as the death of a node, fails everything that
    trains at that moment, and counts once. A session counts its own: a study that goes on, once the disk has room
    again, begins at none.
    """

    def __init__(self) -> None:
        self._all = _FaultsInARow()
        self._by_slot: defaultdict[int, _FaultsInARow] = defaultdict(_FaultsInARow)

    def add(self, result: TrialResult, began: float, slot: int | None) -> None:
        """Takes notice of how a trial ended that began then (monotonic seconds), and on which slot (None: unknown).

        One that failed by itself before the end of its first epoch tells nothing about the machine.
        """
        self._all.add(result, began)
        if slot is None:
            return
        if result.epochs:
            self._by_slot.pop(slot, None)
        else:
            self._by_slot[slot].add(result, began)

    @property
    def persist(self) -> bool:
        """Whether there were so many faults that no further trial should begin: it is likely to fail too."""
        return any(faults.length >= _IN_A_ROW for faults in (self._all, *self._by_slot.values()))
