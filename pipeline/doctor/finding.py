"""A finding of a check."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """``OK``, ``note``: worth knowing, studies run; ``problem``: studies fail, or do not do what they should."""

    OK = "OK"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """A fact in one line, and what to do about it ("" where nothing is to be done)."""

    level: Level
    fact: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.fact}; {self.remedy}" if self.remedy else self.fact


def ok(fact: str) -> Finding:
    """All is well."""
    return Finding(Level.OK, fact)


def note(fact: str, remedy: str = "") -> Finding:
    """Worth knowing."""
    return Finding(Level.NOTE, fact, remedy)


def problem(fact: str, remedy: str) -> Finding:
    """To be mended."""
    return Finding(Level.PROBLEM, fact, remedy)
