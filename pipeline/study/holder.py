"""Notes beside a study's lock which process holds it. The lock decides; the note explains."""

import json
import os
import socket
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline.errors import printable
from pipeline.files import write_text
from pipeline.quantity import format_time
from pipeline.study.paths import StudyPaths

_BOOT, _NAMESPACE = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")


@dataclass(frozen=True)
class Holder:
    """A process that runs a study: its host and id, when it took the study (epoch seconds), when it began itself.

    The last tells it from a later process with the same id. It does not follow the clock, which may be set while the
    process runs: it is counted since ``boot``, the id of the system's start. ``space`` is that in which process ids
    count: a container has one of its own. All three are "" where that is not known.
    """

    host: str
    pid: int
    since: float
    began: str = ""
    boot: str = ""
    space: str = ""

    @property
    def was_here(self) -> bool:
        """Whether it ran where this process could see it: on this host since it was started, in the same container."""
        return (self.host, self.boot, self.space) == (socket.gethostname(), *_surroundings())

    @property
    def has_ended(self) -> bool:
        """Whether this process is known to have ended: what runs on another host cannot be seen from here.

        One of a host or container of this name that has been started anew since has ended, unless the lock is held:
        then there are two of this name.
        """
        if self.was_here:
            return bool(self.began) and _beginning_of(self.pid) not in (self.began, "")
        return self.host == socket.gethostname() and bool(self.boot)

    def __str__(self) -> str:
        """As in ``process 12 on host a, since 2026-01-31 18:05``."""
        return f"process {self.pid} on host {printable(self.host)}, since {format_time(self.since)}"


def this_process() -> Holder:
    """This process, which takes a study now."""
    pid = os.getpid()
    return Holder(socket.gethostname(), pid, time.time(), _beginning_of(pid) or "", *_surroundings())


def _surroundings() -> tuple[str, str]:
    """The ids of the system's start and of the space of process ids, "" where the system does not say."""
    boot = space = ""
    with suppress(OSError):
        boot = _BOOT.read_text().strip()
    with suppress(OSError):
        space = os.readlink(_NAMESPACE)
    return boot, space


def _beginning_of(pid: int) -> str | None:
    """When a process began, in ticks since the boot where the system says so; None if it has ended, "" if unknown."""
    import psutil  # imported late: 10 ms of --help

    try:
        if not psutil.LINUX:
            return str(psutil.Process(pid).create_time())
        facts = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return None if facts[0] in ("Z", "X") else facts[19]  # a process that has ended, until its parent takes notice
    except (FileNotFoundError, ProcessLookupError, psutil.NoSuchProcess):
        return "" if psutil.pid_exists(pid) else None  # those of other users may be hidden
    except (OSError, IndexError, psutil.Error):
        return ""


def write_holder(paths: StudyPaths, holder: Holder) -> None:
    """Writes who holds the study; where that cannot be written, the lock does without."""
    with suppress(OSError):
        write_text(paths.holder, json.dumps(asdict(holder)))


def read_holder(paths: StudyPaths) -> Holder | None:
    """Who holds the study, or held it when it was cut off; None where nobody has written that, or not readably."""
    try:
        written = json.loads(paths.holder.read_text(encoding="utf-8"))
        began, boot, space = (str(written[name]) for name in ("began", "boot", "space"))
        holder = Holder(str(written["host"]), int(written["pid"]), float(written["since"]), began, boot, space)
        format_time(holder.since)
    except (OSError, ValueError, TypeError, KeyError, OverflowError):
        return None
    return holder if holder.pid > 0 else None
