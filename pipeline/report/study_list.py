"""The studies in a folder: what each has searched, how far it came, and whether it can go on."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from pipeline.errors import ConvtuneError, StorageAwayError, StudyError, first_line, printable
from pipeline.metrics import DEFAULT_METRIC
from pipeline.quantity import counted, format_time
from pipeline.report.study_trials import StudyTrials, read_folder
from pipeline.report.trials_table import ABSENT, print_cell
from pipeline.report.wide_table import WideTable
from pipeline.study.copies import Copies, copies_among
from pipeline.study.database import ServerDatabase, database_of
from pipeline.study.fingerprint import read_fingerprint
from pipeline.study.lock import is_locked
from pipeline.study.paths import StudyPaths, check_job
from pipeline.study.record import best
from pipeline.yaml_file import read_mapping


class StudyState(StrEnum):
    """How a study stands. An interrupted one goes on with ``convtune tune``, a damaged one cannot be read.

    Nothing is known of one whose server was not asked, or does not answer.
    """

    RUNNING = "running"
    COMPLETE = "complete"
    INTERRUPTED = "interrupted"
    DAMAGED = "damaged"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class ListedStudy:
    """A study as a list shows it.

    ``name`` is how a command names it. ``best`` is the number of the best trial, ``score`` that trial's. ``last_run``
    is when its last trial ended or reported, in seconds since 1970. ``storage`` is the database of its trials ("": its
    folder). ``problem`` says why the study cannot be read (nothing else is known then) or its server was not reached.
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
    storage: str = ""
    problem: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain values; the time as in ISO 8601, unknown words and numbers as None."""
        last_run = None if self.last_run is None else datetime.fromtimestamp(self.last_run).astimezone()
        known = {name: None if value == "" else value for name, value in asdict(self).items()}
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
    studies: Sequence[StudyPaths], progress: Callable[[int, int], None] = lambda done, total: None, server: str = ""
) -> list[ListedStudy]:
    """An entry for each study; an error while one is read becomes its ``problem``.

    Of servers, only the one at the address ``server`` is asked: a study of somebody else may name any, and a client
    that connects tells it who asks, perhaps with a password.
    """
    listed = []
    for done, paths in enumerate(studies):
        progress(done, len(studies))
        listed.append(_read(paths, server))
    return listed


def _read(paths: StudyPaths, server: str) -> ListedStudy:
    try:
        return _read_whole(paths, server)
    except ConvtuneError as error:
        return ListedStudy(paths.argument, StudyState.DAMAGED, problem=str(error))
    except Exception as error:  # what is stored may be anything, and the other studies are listed all the same
        return ListedStudy(paths.argument, StudyState.DAMAGED, problem=f"{paths.path}: {first_line(error)}")


def _read_whole(paths: StudyPaths, server: str) -> ListedStudy:
    listed = _read_files(paths)
    if listed.storage and listed.storage != server:
        return listed
    try:
        return _with_trials(listed, read_folder(paths))
    except StorageAwayError as error:
        return replace(listed, problem=str(error))


def _read_files(paths: StudyPaths) -> ListedStudy:
    """What the files of a study say without its trials; if these are on a server, also whether it runs here."""
    check_job(paths)
    read_fingerprint(paths)
    job, database = read_mapping(paths.job, StudyError), database_of(paths)
    data, space = str(job.get("data", "")), str(job.get("space", ""))
    metric = str(job.get("metric", DEFAULT_METRIC.name))
    storage = database.address if isinstance(database, ServerDatabase) else ""
    state = StudyState.RUNNING if storage and is_locked(paths) else StudyState.UNKNOWN
    return ListedStudy(paths.argument, state, data, space, metric, storage=storage)


def _with_trials(listed: ListedStudy, trials: StudyTrials) -> ListedStudy:
    top = best(trials.records)
    return replace(
        listed,
        state=_state(trials),
        metric=listed.metric if top is None else top.metric.name,
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
    words = {"data": Path(study.data).name, "space": study.space, "metric": study.metric, "storage": study.storage}
    return " ".join(f"{name}={printable(word)}" for name, word in words.items() if word or name != "storage")


def copies_of_one(studies: Sequence[StudyPaths]) -> list[tuple[str, str]]:
    """Which of these folders are copies of one another, and what that means, for each such group."""
    return [_describe_copies(copies) for copies in copies_among(studies)]


def _describe_copies(copies: Copies) -> tuple[str, str]:
    names = ", ".join(paths.argument for paths in copies.folders)
    if copies.trials:
        shared = "the same trials on a server" + " and one run in MLflow" * copies.run + ", which belong"
        goes, others = "these", "no other can go on while it is there"
    else:
        shared = "one run in MLflow, which belongs"
        goes, others = "the run", "any other gets a run of its own when it goes on"
    deleted = f"deleting that one deletes {goes} too (`convtune delete` shows what goes, and asks)"
    return f"{names}: copies of one study, with {shared} to one folder alone", f"{deleted}, and {others}"


def servers_not_asked(studies: Sequence[ListedStudy], command: str) -> tuple[str, str] | None:
    """That trials on servers were not looked for, and the ``command`` that does; None where there are none.

    No server is put into the command, which is there to be copied: it may be somebody else's.
    """
    left = [study.storage for study in studies if study.storage and study.trials is None and not study.problem]
    if not left:
        return None
    servers = [*dict.fromkeys(left)]
    where = f"{'a server that was' if len(servers) == 1 else 'servers that were'} not asked, {', '.join(servers)}"
    return f"{counted(len(left), 'study keeps its', 'studies keep their')} trials on {where}", (
        f"`{command} --storage ADDRESS` asks one of your own"
    )
