"""The folder of a study: every file name is made here, and every file is written beside and then renamed."""

import csv
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import StudyError, nearest
from pipeline.trial import Report

_NAMED = 8
"""Studies that an error names at most."""
ROOT = Path("studies")
"""Where studies without a path of their own live: below the current folder."""


@dataclass(frozen=True)
class StudyFolder:
    """Names of the files of one study."""

    path: Path

    @property
    def name(self) -> str:
        """The study's name: the folder's."""
        return self.path.resolve().name

    @property
    def argument(self) -> str:
        """What a command is given to mean this study: its name, or its path when it does not live below ``studies``."""
        if self.path.parent == ROOT:
            return self.path.name
        return str(self.path) if len(self.path.parts) > 1 else os.path.join(os.curdir, self.path)

    @property
    def job(self) -> Path:
        """What was asked for: a job file."""
        return self.path / "job.yaml"

    @property
    def space(self) -> Path:
        """The space as it was when the study began."""
        return self.path / "space.yaml"

    @property
    def identity(self) -> Path:
        """What must stay the same while the study goes on."""
        return self.path / "study.json"

    @property
    def latency(self) -> Path:
        """What predicts the latency of its candidates; only where a limit or the objective needs it."""
        return self.path / "latency.json"

    @property
    def storage(self) -> Path:
        """Optuna's SQLite storage."""
        return self.path / "optuna.db"

    @property
    def table(self) -> Path:
        """The table of trials."""
        return self.path / "trials.csv"

    @property
    def log(self) -> Path:
        """What the libraries in the workers printed."""
        return self.path / "worker.log"

    @property
    def lock(self) -> Path:
        """Held by the process that runs the study."""
        return self.path / ".lock"

    @property
    def plots(self) -> Path:
        """Pictures of the search."""
        return self.path / "plots"

    @property
    def look(self) -> Path:
        """Pictures of what the best model sees."""
        return self.path / "look"

    @property
    def evaluation(self) -> Path:
        """How the best model does on the test images."""
        return self.path / "test.json"

    @property
    def best_model(self) -> Path:
        """The model of the best trial."""
        return self.path / "best.keras"

    def trial(self, number: int) -> Path:
        """The folder of a trial."""
        return self.path / "trials" / f"{number:04d}"

    def model(self, number: int) -> Path:
        """The model a trial left."""
        return self.trial(number) / "model.keras"

    def history(self, number: int) -> Path:
        """A trial's metrics, a row an epoch."""
        return self.trial(number) / "history.csv"

    @property
    def exists(self) -> bool:
        """Whether a study has begun here."""
        return os.path.isfile(self.job)  # unlike Path's, it takes a name too long for a file

    @property
    def foreign(self) -> list[str]:
        """What lies here that no study put here; empty when one has begun, or was cut off before it had."""
        if self.exists or self.identity.is_file() or not self.path.is_dir():
            return []
        return sorted(path.name for path in self.path.iterdir() if path not in (self.lock, self.log))


def locate(study: str) -> StudyFolder:
    """The folder of a study: a path when it has a separator, else that name below ``studies``.

    StudyError for what no folder can be called. ``..`` in a path is resolved, so that nothing is made on the way.
    """
    if study in (os.curdir, os.pardir) or not study.isprintable() or "?" in study:
        raise StudyError(f"study {study!r}: expected a name, or a path with a {os.sep} in it, without '?'")
    if os.sep in study or (os.altsep is not None and os.altsep in study):
        return StudyFolder(Path(os.path.normpath(study)))
    return StudyFolder(ROOT / study)


def find(study: str) -> StudyFolder:
    """The folder of a study that has begun; StudyError with the nearest name when there is none."""
    folder = locate(study)
    if folder.exists:
        return folder
    check_job(folder)
    names = sorted(path.parent.name for path in ROOT.glob("*/job.yaml"))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    known = f"; studies here: {', '.join(names[:_NAMED])}{more}" if names else ""
    raise StudyError(f"unknown study {study!r} (no {folder.job}){nearest(study, names)}{known}")


def check_job(folder: StudyFolder) -> None:
    """StudyError when there are trials in a folder, but no longer the job that they belong to."""
    if not folder.exists and folder.identity.is_file() and (folder.path / "trials").is_dir():
        raise StudyError(f"{folder.job}: missing, but there are trials here; put it back, or choose another --study")


def unused(stem: str) -> str:
    """``stem-1``, or the first higher number that no study below ``studies`` has; odd characters become ``-``."""
    stem = re.sub(r"[^\w.+-]+", "-", stem)
    number = 1
    while (ROOT / f"{stem}-{number}").exists():
        number += 1
    return f"{stem}-{number}"


@contextmanager
def locked(folder: StudyFolder) -> Iterator[None]:
    """Holds the study for this process; StudyError when another one runs it. The lock goes with its process."""
    from filelock import FileLock, Timeout

    with _as_study_error(folder):
        folder.path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder.lock)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise StudyError(
                f"{folder.path}: another process runs this study; wait for it or choose another --study"
            ) from None
    try:
        yield
    finally:
        lock.release()  # the file stays: removed, it could be locked twice by two who come at once


@contextmanager
def _as_study_error(folder: StudyFolder) -> Iterator[None]:
    """Turns a refusal of the file system into a StudyError that names the folder."""
    try:
        yield
    except OSError as error:
        why = error.strerror or error
        raise StudyError(
            f"{folder.path}: cannot write there ({why}); choose a --study path that can be written"
        ) from None


def write(path: Path, text: str) -> None:
    """Writes ``path`` whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _beside(path) as file:
        file.write_text(text, encoding="utf-8")


def copy(source: Path, path: Path) -> None:
    """Copies a file to ``path`` whole or not at all."""
    with _beside(path) as file:
        shutil.copyfile(source, file)


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A file to write, which takes the place of ``path`` when the block ends, or goes when it fails."""
    file = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield file
        file.replace(path)
    finally:
        file.unlink(missing_ok=True)


def append_history(path: Path, report: Report) -> None:
    """Adds an epoch to a ``history.csv``; its first epoch begins the file anew."""
    first = report.epoch == 1 or not path.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = ["epoch", *report.metrics, "seconds"]
    row = [report.epoch, *(f"{value:.6g}" for value in report.metrics.values()), f"{report.seconds:.2f}"]
    with path.open("w" if first else "a", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, row] if first else [row])
