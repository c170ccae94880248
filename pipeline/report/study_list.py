"""The studies in a folder: what each has searched, how far it came, and whether it can go on."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from pipeline.errors import ConvtuneError, StorageAwayError, StudyError, first_line, printable
from pipeline.quantity import format_time
from pipeline.report.study_trials import StudyTrials, read_folder
from pipeline.report.trials_table import ABSENT, print_cell
from pipeline.report.wide_table import WideTable
from pipeline.study.fingerprint import read_fingerprint
from pipeline.study.paths import StudyPaths, check_job
from pipeline.study.record import best
from pipeline.yaml_file import read_mapping


class StudyState(StrEnum):
    """How a study stands. An interrupted one goes on with ``convtune tune``, a damaged one cannot be read."""

    RUNNING = "running"
    COMPLETE = "complete"
    INTERRUPTED = "interrupted"
    DAMAGED = "damaged"


@dataclass(frozen=True)
class ListedStudy:
    """A study as a list shows it.

    ``name`` is how a command names it. ``best`` is the number of the best trial, ``score`` that trial's. ``last_run``
    is when its last trial ended or reported, in seconds since 1970. A damaged study has a ``problem`` instead;
    ``away``: it is only the server of its trials that does not answer.
    """

    name: str
    state: StudyState
    data: str = ""
    space: str = ""
    metric: str = ""
    trials: int | None = None
    best: int | None = None
    score: float | None = None
    last_run: float | None = None
    problem: str = ""
    away: bool = False

    def as_json(self) -> dict[str, Any]:
        """Plain values; the time as in ISO 8601, unknown words and numbers as None."""
        last_run = None if self.last_run is None else datetime.fromtimestamp(self.last_run).astimezone()
        known = {name: None if value == "" else value for name, value in asdict(self).items() if name != "away"}
        return known | {"last_run": last_run and last_run.isoformat(timespec="seconds")}


def studies_in(folder: Path) -> list[StudyPaths]:
    """The studies that have begun right below ``folder``, by name; ``folder`` alone if it is a study itself.

    StudyError if that is no folder.
    """
    if not folder.is_dir():
        raise StudyError(f"{printable(folder)}: no such folder; expected one that holds studies")
    if _is_study(StudyPaths(folder)):
        return [StudyPaths(folder)]
    return [paths for path in sorted(folder.iterdir()) if _is_study(paths := StudyPaths(path))]


def _is_study(paths: StudyPaths) -> bool:
    return paths.exists or paths.fingerprint.is_file()


def list_studies(
    studies: Sequence[StudyPaths], progress: Callable[[int, int], None] = lambda done, total: None
) -> list[ListedStudy]:
    """What there is to say of each; a fault in one becomes its ``problem``."""
    listed = []
    for done, paths in enumerate(studies):
        progress(done, len(studies))
        listed.append(_read(paths))
    return listed


def _read(paths: StudyPaths) -> ListedStudy:
    try:
        check_job(paths)
        read_fingerprint(paths)
        job = read_mapping(paths.job, StudyError)
        trials = read_folder(paths)
    except ConvtuneError as error:
        away = isinstance(error, StorageAwayError)
        return ListedStudy(paths.argument, StudyState.DAMAGED, problem=str(error), away=away)
    except Exception as error:  # what is stored may be anything, and the other studies are listed all the same
        return ListedStudy(paths.argument, StudyState.DAMAGED, problem=f"{paths.path}: {first_line(error)}")
    top = best(trials.records)
    return ListedStudy(
        name=paths.argument,
        state=_state(trials),
        data=str(job.get("data", "")),
        space=str(job.get("space", "")),
        metric=str(job.get("metric", "accuracy") if top is None else top.metric.name),
        trials=len(trials.records),
        best=None if top is None else top.number,
        score=None if top is None else top.score,
        last_run=_last_run(trials),
    )


def _state(trials: StudyTrials) -> StudyState:
    if trials.running:
        return StudyState.RUNNING
    unfinished = trials.reason is None or trials.reason.gives_up
    return StudyState.INTERRUPTED if unfinished else StudyState.COMPLETE


def _last_run(trials: StudyTrials) -> float:
    """When a trial ended or reported last; without trials, when the job file was written."""
    moments = [run.trial.began + run.result.seconds for run in trials.runs if run.trial.began is not None]
    return max(moments, default=trials.paths.job.stat().st_mtime)


def render_studies(studies: Sequence[ListedStudy]) -> RenderableType:
    """One row per study: its name, how it stands, what it searched; of a damaged one, why it cannot be read."""
    rows = [
        {
            "study": printable(study.name),
            "state": study.state.value,
            "trials": ABSENT if study.trials is None else str(study.trials),
            "best": ABSENT if study.best is None else str(study.best),
            "score": print_cell("score", study.score) if study.score is not None else ABSENT,
            "last run": ABSENT if study.last_run is None else format_time(study.last_run),
        }
        for study in studies
    ]
    texts = [Text(_searched(study), "red" if study.problem else "") for study in studies]
    columns = {name: [Text(row[name]) for row in rows] for name in rows[0]}
    return WideTable(columns, "searched", texts, words=("study", "state"))


def _searched(study: ListedStudy) -> str:
    if study.problem:
        return printable(study.problem)
    words = {"data": Path(study.data).name, "space": study.space, "metric": study.metric}
    return " ".join(f"{name}={printable(word)}" for name, word in words.items())
