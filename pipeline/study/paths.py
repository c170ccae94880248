"""The folder of a study: the name of every file in it, and how a study is found."""

import itertools
import os
import re
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import StudyError, nearest, printable

ROOT = Path("studies")
"""The folder, below the current one, of studies that are named without a path."""

_LISTED = 8
"""The largest number of studies that an error lists."""

_OWN_BEFORE_FINGERPRINT = r"\.lock|holder\.json|worker\.log|\.(holder|study)-[0-9a-f]{8}\.json"
"""The names of files that a study has from its first moment on; a file that is being written has a hidden name."""

_OWN = (
    rf"{_OWN_BEFORE_FINGERPRINT}|study\.json|job\.yaml|space\.yaml|latency\.json|optuna\.db(?:-wal|-shm|-journal)?|storage\.json|trials|trials\.csv|plots"
    r"|explain|\.explain-[0-9a-f]{8}|test\.json|best\.keras|report\.html|\.(job|space|latency|storage|trials|test|best|report)-[0-9a-f]{8}\.\w+"
)
"""The names of all files and folders that a study may have."""

_OWN_INSIDE = re.compile(
    r"trials/\d{4,}(?:/(?:model\.keras|history\.csv|\.model-[0-9a-f]{8}\.keras))?|plots/(?:[a-z_]+|\.[a-z_]+-[0-9a-f]{8})\.png"
    r"|explain/(?:index\.html|filters\.png|\d+-.+\.png|\.convtune-explain-.+)|\.explain-[0-9a-f]{8}/.+",
    re.DOTALL,
)
"""The names of all that a study may have in its folders."""


@dataclass(frozen=True)
class StudyPaths:
    """The names of the files of one study."""

    path: Path

    @property
    def name(self) -> str:
        """The study's name: the name of its folder."""
        return self.path.resolve().name

    @property
    def argument(self) -> str:
        """How a command names this study: by its name, or by its path if it is not below ``studies``."""
        if self.path.parent == ROOT:
            return self.path.name
        return str(self.path) if len(self.path.parts) > 1 else os.path.join(os.curdir, self.path)

    @property
    def job(self) -> Path:
        """The job file with which the study goes on."""
        return self.path / "job.yaml"

    @property
    def space(self) -> Path:
        """The space as it was when the study began."""
        return self.path / "space.yaml"

    @property
    def fingerprint(self) -> Path:
        """The fingerprint: everything that must stay the same while the study goes on."""
        return self.path / "study.json"

    @property
    def latency(self) -> Path:
        """The latency model, in a study with a limit or an objective of latency."""
        return self.path / "latency.json"

    @property
    def storage(self) -> Path:
        """Optuna's SQLite storage."""
        return self.path / "optuna.db"

    @property
    def server(self) -> Path:
        """The database on a server that holds the trials instead, and the study's name there."""
        return self.path / "storage.json"

    @property
    def table(self) -> Path:
        """The table of trials."""
        return self.path / "trials.csv"

    @property
    def log(self) -> Path:
        """The output of the libraries in the workers."""
        return self.path / "worker.log"

    @property
    def lock(self) -> Path:
        """The file that the process which runs the study holds locked."""
        return self.path / ".lock"

    @property
    def holder(self) -> Path:
        """Who holds that lock: its host, its process, since when."""
        return self.path / "holder.json"

    @property
    def plots(self) -> Path:
        """The folder of the plots of the search."""
        return self.path / "plots"

    @property
    def report(self) -> Path:
        """The report: one page that holds all about the study."""
        return self.path / "report.html"

    @property
    def explanation(self) -> Path:
        """The explanation of the best model: a page and pictures."""
        return self.path / "explain"

    @property
    def evaluation(self) -> Path:
        """The best model's scores on the test images."""
        return self.path / "test.json"

    @property
    def best_model(self) -> Path:
        """The model of the best trial."""
        return self.path / "best.keras"

    def trial(self, number: int) -> Path:
        """The folder of a trial."""
        return self.path / "trials" / f"{number:04d}"

    def model(self, number: int) -> Path:
        """The model of a trial."""
        return self.trial(number) / "model.keras"

    def history(self, number: int) -> Path:
        """The metrics of a trial, one row per epoch."""
        return self.trial(number) / "history.csv"

    @property
    def exists(self) -> bool:
        """Whether a study has begun here."""
        return os.path.isfile(self.job)  # Path.is_file raises OSError for a name that is too long

    @property
    def lacks_job(self) -> bool:
        """Whether the folder has results of trials, but no job file."""
        made = (self.path / "trials", self.table, self.best_model)
        return not self.exists and self.fingerprint.is_file() and any(path.exists() for path in made)

    @property
    def own(self) -> list[Path]:
        """What is in the folder under names that a study gives, by name."""
        return sorted(filter(self.is_own, self.path.iterdir()))

    def is_own(self, path: Path) -> bool:
        """Whether a file or folder at any depth in the study's folder has a name that a study gives."""
        if path.parent == self.path:
            return re.fullmatch(_OWN, path.name) is not None
        return _OWN_INSIDE.fullmatch(path.relative_to(self.path).as_posix()) is not None

    @property
    def links_out(self) -> list[Path]:
        """Links to somewhere outside the study's folder, or in a circle, among its files or in its own folders."""
        inside = self.path.resolve()
        found = (Path(folder, name) for folder, *names in os.walk(self.path) for name in itertools.chain(*names))
        links = sorted(path for path in found if path.is_symlink() and _leads_out(path, inside))
        return [path for path in links if re.fullmatch(_OWN, path.relative_to(self.path).parts[0])]

    @property
    def foreign(self) -> list[str]:
        """The names of files in the folder that no study has written; empty where a study has begun.

        Before the fingerprint is written, a study has only its lock and its log.
        """
        if self.exists or not self.path.is_dir():
            return []
        own = _OWN if self.fingerprint.is_file() else _OWN_BEFORE_FINGERPRINT
        return sorted(path.name for path in self.path.iterdir() if not re.fullmatch(own, path.name))


def _leads_out(link: Path, inside: Path) -> bool:
    """Whether a link leads out of a folder. One in a circle, where its real path is a link, counts as one that does."""
    target = Path(os.path.realpath(link))  # Path.resolve raises RuntimeError for a circle
    return target.is_symlink() or not target.is_relative_to(inside)


def locate(study: str) -> StudyPaths:
    """The folder of a study: the path itself if ``study`` has a separator, else that name below ``studies``.

    StudyError for a text that cannot name a folder. ``..`` in a path is resolved, so that no folder is made on the way.

    >>> locate("mine").path.as_posix(), locate("./mine").path.as_posix()
    ('studies/mine', 'mine')
    """
    if study in (os.curdir, os.pardir) or not study.isprintable() or "?" in study:
        raise StudyError(f"study {study!r}: expected a name, or a path with a {os.sep} in it, without '?'")
    if os.sep in study or (os.altsep is not None and os.altsep in study):
        return StudyPaths(Path(os.path.normpath(study)))
    return StudyPaths(ROOT / study)


def find(study: str) -> StudyPaths:
    """The folder of a study that has begun; StudyError with the nearest name and the studies that there are."""
    paths = locate(study)
    if paths.exists:
        return paths
    check_job(paths)
    names = sorted(job.parent.name for job in ROOT.glob("*/job.yaml"))
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    studies = f"; studies here: {', '.join(names[:_LISTED])}{more}" if names else ""
    raise StudyError(f"unknown study {study!r} (no {paths.job}){nearest(study, names)}{studies}")


def latest() -> StudyPaths | None:
    """The study below ``studies`` that began last or was continued last; None if there is none."""
    jobs = sorted(ROOT.glob("*/job.yaml"), key=lambda job: (job.stat().st_mtime, job.parent.name))
    return StudyPaths(jobs[-1].parent) if jobs else None


def check_job(paths: StudyPaths) -> None:
    """StudyError if there are trials in a folder without the job file that they belong to."""
    if paths.lacks_job:
        raise StudyError(f"{paths.job}: missing, but there are trials here; put it back, or choose another --study")


def check_links(paths: StudyPaths) -> None:
    """StudyError if links lead out of the study's folder: what is written or sent there would be somebody else's."""
    if links := paths.links_out:
        advice = "a study has its files in its own folder; put them there, or choose another --study"
        raise StudyError(f"{printable(links[0])}: a link to {printable(os.path.realpath(links[0]))}; {advice}")


def unused(stem: str) -> str:
    """``stem-1``, or the next number that no study below ``studies`` has; characters that need quotes become ``-``."""
    stem = re.sub(r"[^\w.+-]+", "-", stem)
    number = 1
    while (ROOT / f"{stem}-{number}").exists():
        number += 1
    return f"{stem}-{number}"
