"""Notes beside a study's lock which process holds it. The lock decides; the note explains."""

import json
import os
import socket
import time
from contextlib import suppress
from dataclasses import asdict, dataclass

from pipeline.errors import printable
from pipeline.files import write_text
from pipeline.quantity import format_time
from pipeline.study.paths import StudyPaths

_SAME_START = 5.0
"""Seconds by which two readings of one process's start may differ: psutil derives it from the clock."""


@dataclass(frozen=True)
class Holder:
    """A process that runs a study: its host and id, when it took the study, and when it began itself (epoch seconds).

    The last tells it from a later process with the same id.
    """

    host: str
    pid: int
    since: float
    began: float

    @property
    def has_ended(self) -> bool:
        """Whether this process is known to have ended: what runs on another host cannot be seen from here."""
        import psutil  # imported late: 10 ms of --help

        if self.host != socket.gethostname():
            return False
        try:
            return abs(psutil.Process(self.pid).create_time() - self.began) > _SAME_START
        except psutil.NoSuchProcess:
            return True
        except psutil.Error:
            return False

    def __str__(self) -> str:
        """As in ``process 12 on host a, since 2026-01-31 18:05``."""
        return f"process {self.pid} on host {printable(self.host)}, since {format_time(self.since)}"


def this_process() -> Holder:
    """This process, which takes a study now."""
    import psutil

    return Holder(socket.gethostname(), os.getpid(), time.time(), psutil.Process().create_time())


def write_holder(paths: StudyPaths, holder: Holder) -> None:
    """Writes who holds the study; where that cannot be written, the lock does without."""
    with suppress(OSError):
        write_text(paths.holder, json.dumps(asdict(holder)))


def read_holder(paths: StudyPaths) -> Holder | None:
    """Who holds the study, or held it when it was cut off; None where nobody has written that, or not readably."""
    try:
        written = json.loads(paths.holder.read_text(encoding="utf-8"))
        holder = Holder(str(written["host"]), int(written["pid"]), float(written["since"]), float(written["began"]))
        format_time(holder.since)
    except (OSError, ValueError, TypeError, KeyError, OverflowError):
        return None
    return holder if holder.pid > 0 else None
