"""The exception tree: every error a user can cause or mend is a ConvtuneError of one line."""

import difflib
from collections.abc import Iterable


class ConvtuneError(Exception):
    """What was expected, what came, where, and what to do: one line for the terminal."""


class JobError(ConvtuneError):
    """A flag or a key of a job file that cannot be."""


class SpaceError(ConvtuneError):
    """A space file, or a point of a space, that cannot be."""


class DataError(ConvtuneError):
    """A dataset that cannot be read or used."""


class StudyError(ConvtuneError):
    """A study that is unknown, locked by another process or asked to become a different one."""


class TrackingError(ConvtuneError):
    """A tracking server that does not answer or refuses."""


class ModelError(ConvtuneError):
    """A model file that cannot be read, or does not give back what was saved."""


class WorkerError(ConvtuneError):
    """A worker process that died or failed outside a trial."""


def nearest(word: str, known: Iterable[str]) -> str:
    """``, did you mean 'x'?`` for the known word that is most like ``word``, or nothing."""
    close = difflib.get_close_matches(word, list(known), 1)
    return f", did you mean {close[0]!r}?" if close else ""


def first_line(error: BaseException) -> str:
    """Another library's error in one line: its class, and the first line of its text that is not blank; cut at 200."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return ": ".join([type(error).__name__, *lines[:1]])[:200]
