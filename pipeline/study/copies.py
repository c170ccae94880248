"""Copies of a study's folder: which of them owns what the study has elsewhere, its runs in MLflow, trials on a server.

Whatever is elsewhere notes the folder that it belongs to. A study that goes on writes its own folder there, unless the
noted one is there with the same study in it: then it is a copy. A study whose folder was moved is none. What lies on
another host cannot be seen: a study that goes on takes it, but nothing of it is deleted.
"""

import socket
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import StudyError, printable
from pipeline.study.fingerprint import read_fingerprint
from pipeline.study.paths import StudyPaths


@dataclass(frozen=True)
class Machine:
    """A host, and the number of a study's folder in its file system.

    By the number hosts that share the folder know it, and so does a container that has a new name at each start; a
    copy has another.
    """

    host: str
    number: str

    @classmethod
    def of(cls, paths: StudyPaths) -> "Machine":
        """This host, with the folder of a study that has begun."""
        return cls(socket.gethostname(), str(paths.path.stat().st_ino))

    @classmethod
    def parse(cls, text: str) -> "Machine | None":
        """What ``str`` has written; None for anything else.

        >>> Machine.parse("my laptop 12"), Machine.parse(""), Machine.parse("12")
        (Machine(host='my laptop', number='12'), None, None)
        """
        host, _, number = text.rpartition(" ")
        return cls(host, number) if host else None

    def __str__(self) -> str:
        """As it is noted elsewhere: ``laptop 12``."""
        return f"{self.host} {self.number}"


@dataclass(frozen=True)
class NotedFolder:
    """A study's folder, as what it has elsewhere notes it; ``machine`` is where it is (None: not noted)."""

    path: Path
    machine: Machine | None = None

    @property
    def host(self) -> str:
        """The host that it is on; "" if that is this one, or not noted."""
        return "" if self.machine is None or self.machine.host == socket.gethostname() else self.machine.host

    def is_elsewhere(self, paths: StudyPaths) -> bool:
        """Whether it is on another host and is not the folder of ``paths``, which hosts or containers may share."""
        return self.machine is not None and bool(self.host) and self.machine.number != Machine.of(paths).number

    def __str__(self) -> str:
        """As in ``/data/studies/mine on host a``."""
        return printable(f"{self.path} on host {self.host}" if self.host else self.path)


def other_owner(noted: NotedFolder | None, paths: StudyPaths) -> NotedFolder | None:
    """The noted folder if it holds the study of ``paths`` and is another; None if it is this one, gone or unknown."""
    if noted is None or _is_same(noted.path, paths.path):
        return None
    study, _ = _marks(noted.path)
    return noted if study and study == _marks(paths.path)[0] else None


def possible_owner(noted: NotedFolder | None, paths: StudyPaths) -> NotedFolder | None:
    """The same for who would delete: also a folder on another host, or a copy beside one whose noted one is gone."""
    if noted is not None and noted.is_elsewhere(paths):
        return noted
    if noted is not None and _is_same(noted.path, paths.path):
        return None
    return other_owner(noted, paths) or next(_copies_beside(paths), None)


def _copies_beside(paths: StudyPaths) -> Iterator[NotedFolder]:
    """The folders beside this one that hold the same study with the same run in MLflow."""
    own, beside = _marks(paths.path), list[Path]()
    with suppress(OSError):  # this user may be allowed to enter the folder above but not to list it
        beside = sorted(paths.path.resolve().parent.iterdir())
    for folder in beside:
        if own[0] and _marks(folder) == own and not _is_same(folder, paths.path):
            yield NotedFolder(folder)


@dataclass(frozen=True)
class Copies:
    """Folders that hold one study: whether they name the same run in MLflow, and trials on a server.

    Which of them owns these is noted there alone.
    """

    folders: tuple[StudyPaths, ...]
    run: bool
    trials: bool


def copies_among(studies: Iterable[StudyPaths]) -> list[Copies]:
    """Those of these folders that hold one study and share something elsewhere, together. A link is no copy."""
    groups: dict[tuple[str, str], list[StudyPaths]] = {}
    for paths in studies:
        marks = _marks(paths.path)
        group = groups.setdefault(marks, [])
        if marks[0] and not any(_is_same(paths.path, other.path) for other in group):
            group.append(paths)
    found = [
        Copies(tuple(group), bool(run), any(paths.server.is_file() for paths in group))
        for (_, run), group in groups.items()
        if len(group) > 1
    ]
    return [copies for copies in found if copies.run or copies.trials]


def _marks(folder: Path) -> tuple[str, str]:
    """What tells the study in a folder from others, and its run in MLflow; "" where there is none."""
    with suppress(StudyError):
        fingerprint = read_fingerprint(StudyPaths(folder))
        return fingerprint.id or fingerprint.run, fingerprint.run
    return "", ""


def _is_same(one: Path, other: Path) -> bool:
    with suppress(OSError, ValueError):
        return one.samefile(other)
    return False
