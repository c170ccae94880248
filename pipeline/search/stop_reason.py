"""The bounds of a study, and why a search ends."""

import math
import time
from dataclasses import dataclass
from enum import StrEnum

from pipeline.quantity import format_seconds
from pipeline.search.standing import Standing
from pipeline.study.record import TrialRecord

_START = 60.0
"""Seconds, beyond the time of a trial, in which a worker has to start, to receive the files on a cluster, and to begin.

The import of a backend takes up to 20 on a busy machine."""

GIVE_UP_AFTER = 500
"""Useless draws in a row after which a large space counts as used up."""


class StopReason(StrEnum):
    """Why a study has no further trial. The value is a sentence for people; nothing else reads it."""

    TRIALS_DONE = "all trials are done"
    TIME_UP = "the time is up"
    NO_TIME = "no further trial fits in the time that is left"
    SCORE_REACHED = "a trial has reached the score of --stop-at"
    NO_BETTER = "no better score in as many trials in a row as --patience allows"
    SPACE_COVERED = "the space has no further candidate"
    NOTHING_NEW = f"{GIVE_UP_AFTER} proposals in a row were infeasible or known already"
    MACHINE_FAULTS = "the machine has failed one trial after another"
    NO_ROOM = "its disk has too little room for another trial"

    @property
    def gives_up(self) -> bool:
        """Whether the study stopped before its end because of the machine, and can go on once that is mended."""
        return self in (StopReason.MACHINE_FAULTS, StopReason.NO_ROOM)


@dataclass(frozen=True)
class Budget:
    """``trials`` in total (may be infinite); after ``deadline`` (monotonic seconds) no trial begins and all stop.

    ``grace`` is how many seconds a trial has to report and to save its model once the study is over, before it is ended
    from outside. ``stop_at`` is the score that is good enough, ``patience`` how many trials in a row may end without a
    better score (None: any). ``trial_timeout`` is how many seconds a trial may take (None: any), without those that its
    worker takes to start.
    """

    trials: float
    deadline: float | None = None
    grace: float = 7.0
    stop_at: float | None = None
    patience: int | None = None
    trial_timeout: float | None = None

    @property
    def seconds_left(self) -> float:
        """The seconds until the deadline, infinite without one."""
        return math.inf if self.deadline is None else self.deadline - time.monotonic()

    @property
    def time_is_up(self) -> bool:
        """Whether the deadline has passed."""
        return self.deadline is not None and time.monotonic() >= self.deadline

    def why_late(self, began: float, has_begun: bool) -> str:
        """Why a trial that began then (monotonic seconds) must end: it takes longer than a trial may; "" if not.

        If no worker has begun it yet, ``began`` is when it was handed over.
        """
        if self.trial_timeout is None:
            return ""
        allowed = self.trial_timeout + (0 if has_begun else _START)
        if time.monotonic() - began <= allowed:
            return ""
        if has_begun:
            return f"took longer than --trial-timeout {format_seconds(allowed)}"
        return f"no worker began it within {format_seconds(allowed)} (--trial-timeout, and {_START:.0f} s to start)"

    def winner(self, standing: Standing) -> TrialRecord | None:
        """The trial whose model ends the study, since its score is good enough; None if there is none."""
        return None if self.stop_at is None else standing.reaching(self.stop_at)

    def why_used_up(self, begun: int, standing: Standing) -> StopReason | None:
        """Why no trial may begin once ``begun`` have; None if one may."""
        if self.winner(standing) is not None:
            return StopReason.SCORE_REACHED
        if self.time_is_up:
            return StopReason.TIME_UP
        if begun >= self.trials:
            return StopReason.TRIALS_DONE
        if self.patience is not None and standing.without_progress >= self.patience:
            return StopReason.NO_BETTER
        return None
