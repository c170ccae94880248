"""Why a search ends."""

from enum import StrEnum

GIVE_UP_AFTER = 500
"""Useless draws in a row after which a large space counts as used up."""


class StopReason(StrEnum):
    """Why a study has no further trial. The value is a sentence for people; nothing else reads it."""

    TRIALS_DONE = "all trials are done"
    TIME_UP = "the time is up"
    NO_TIME = "no further trial fits in the time that is left"
    SPACE_COVERED = "the space has no further candidate"
    NOTHING_NEW = f"{GIVE_UP_AFTER} proposals in a row were infeasible or known already"
