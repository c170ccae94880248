"""How a study is stored with Optuna: what Optuna's trials and their user attributes mean.

Optuna's trials are proposals. An accepted proposal carries the user attribute ``trial``, and ``result`` once it has
ended. An infeasible one carries ``infeasible`` with the kind of reason; a repeated one carries ``repeats`` with the
number of the trial that has the same candidate.
"""

import shlex
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import StorageInternalError
from optuna.pruners import BasePruner
from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial
from sqlalchemy.exc import SQLAlchemyError

from pipeline.errors import StudyError, first_line
from pipeline.files import sqlite_url
from pipeline.metrics import METRICS
from pipeline.search.mirror import MirroredStorage
from pipeline.study.objective import Objective
from pipeline.study.paths import StudyPaths, find
from pipeline.study.record import TrialRecord, mark_front, standing_run
from pipeline.study.trial import Decision, Trial, TrialResult, TrialState

optuna.logging.set_verbosity(optuna.logging.ERROR)

STUDY_NAME = "study"
"""The name of the only study in a database."""

_PATIENCE = 60.0
"""Seconds that another process may keep the database locked."""

JUDGED = ("infeasible", "repeats", "trial")
"""The user attributes of which a judged proposal has one."""


def create_study(database: Path, pruner: BasePruner, objective: Objective) -> tuple[optuna.Study, MirroredStorage]:
    """The stored study, created if there is none, and the storage to flush; StudyError if it fails or is an older one.

    This study never prunes, but samplers may read from ``pruner`` that there are brackets of trials.
    """
    with storage_errors(database):
        storage = _open_storage(database, creator=partial(_connect, database))
        study = optuna.create_study(
            storage=storage,
            study_name=STUDY_NAME,
            directions=[StudyDirection[direction.upper()] for direction in objective.directions],
            pruner=pruner,
            load_if_exists=True,
        )
        if "objective" in study.user_attrs:
            stored_objective(study, database)
        else:
            study.set_user_attr("objective", {"metric": objective.metric.name, "minimized": list(objective.minimized)})
        mirror = MirroredStorage(storage, study)
        return optuna.load_study(study_name=STUDY_NAME, storage=mirror, pruner=pruner), mirror


def load_study(database: Path) -> optuna.Study:
    """The study in a database, for reading only; StudyError if there is none."""
    try:
        return optuna.load_study(study_name=STUDY_NAME, storage=_open_storage(database))
    except KeyError:
        raise StudyError(f"{database}: does not hold a study of convtune; choose another --study") from None


def _open_storage(database: Path, **engine: Any) -> RDBStorage:
    """The storage in an SQLite file, with more settings of SQLAlchemy's engine.

    StudyError if another version of Optuna wrote it.
    """
    url = sqlite_url(database).replace("{", "{{").replace("}", "}}")  # Optuna formats the URL
    try:
        return RDBStorage(url, engine_kwargs=engine or {"connect_args": {"timeout": _PATIENCE}})
    except RuntimeError as error:
        if "optuna storage upgrade" in str(error):
            command = f"optuna storage upgrade --storage {shlex.quote(url)}"
            problem, advice = "an older version of Optuna", f"make a copy of it, then run `{command}`"
        else:
            problem, advice = "a newer version of Optuna", "run `pip install -U optuna`"
        raise StudyError(f"{database}: Optuna's storage was written by {problem}; {advice}") from None


def stored_objective(study: optuna.Study, database: Path) -> Objective:
    """The objective that a study began with; StudyError if an older version of convtune stored it differently."""
    stored = study.user_attrs.get("objective")
    if not isinstance(stored, dict):
        raise StudyError(
            f"{database}: written by an older version of convtune, which cannot be read; choose another --study"
        )
    if stored["metric"] not in METRICS:
        raise StudyError(f"{database}: its metric {stored['metric']!r} is unknown; metrics are {', '.join(METRICS)}")
    return Objective(METRICS[stored["metric"]], tuple(stored["minimized"]))


@contextmanager
def storage_errors(database: Path) -> Iterator[None]:
    """Turns the errors that Optuna and SQLAlchemy raise when a storage fails into a StudyError of one line."""
    try:
        yield
    except (SQLAlchemyError, StorageInternalError) as error:
        raise StudyError(
            f"{database}: Optuna's storage failed ({first_line(error)}); fix that, or choose another --study"
        ) from None


def read_study(database: Path) -> tuple[list[TrialRecord], Counter[str]]:
    """Reads the trials of a stored study in the order of their numbers, and counts infeasible proposals by kind."""
    with storage_errors(database):
        study = load_study(database)
        objective = stored_objective(study, database)
        return mark_front(list(records_of(study, objective).values())), count_infeasible(study)


def load_trials(study: str) -> tuple[StudyPaths, list[TrialRecord], Counter[str]]:
    """Finds a study by name or path: its files, its trials by number, its infeasible proposals by kind.

    StudyError if it is unknown. A study whose database is missing has no trials.
    """
    paths = find(study)
    if not paths.storage.is_file():
        return paths, [], Counter()
    return paths, *read_study(paths.storage)


def count_infeasible(study: optuna.Study) -> Counter[str]:
    """The number of infeasible proposals by kind of reason."""
    trials = study.get_trials(deepcopy=False)
    return Counter(trial.user_attrs["infeasible"] for trial in trials if "infeasible" in trial.user_attrs)


def records_of(study: optuna.Study, objective: Objective) -> dict[int, TrialRecord]:
    """The trials by number, in ascending order; of a repeated trial, only the run that counts."""
    records: dict[int, TrialRecord] = {}
    for record in runs_of(study, objective):
        records[record.number] = standing_run(records.get(record.number, record), record)
    return dict(sorted(records.items()))


def runs_of(study: optuna.Study, objective: Objective) -> list[TrialRecord]:
    """Every run of every trial, in the order in which they began: a trial that was interrupted has several."""
    trials = study.get_trials(deepcopy=False)
    return [record_of(stored, objective) for stored in trials if "trial" in stored.user_attrs]


def record_of(stored: FrozenTrial, objective: Objective) -> TrialRecord:
    """The record of an accepted proposal; its state is ``running`` if no result is stored."""
    written = stored.user_attrs["trial"]
    trial = Trial(
        number=written["number"],
        params=written["params"],
        seed=written["seed"],
        epochs=written["epochs"],
        costs={name: cost for name, cost in written["costs"].items() if cost is not None},
        drawn=tuple(stored.params),
        began=written.get("began"),
        slot=written.get("slot"),
    )
    return TrialRecord(trial, _result(trial.number, stored.user_attrs.get("result")), objective)


def trial_attribute(trial: Trial, key: str) -> dict[str, Any]:
    """The user attribute of an accepted proposal; ``key`` is its candidate's."""
    return {
        "number": trial.number,
        "key": key,
        "params": trial.params,
        "seed": trial.seed,
        "epochs": trial.epochs,
        "costs": dict(trial.costs),
        "began": trial.began,
        "slot": trial.slot,
    }


def result_attribute(result: TrialResult) -> dict[str, Any]:
    """The result without its number, and without its history, which has a file of its own."""
    names = (field.name for field in fields(result) if field.name not in ("number", "history"))
    return {name: getattr(result, name) for name in names}


def _result(number: int, written: Mapping[str, Any] | None) -> TrialResult:
    if written is None:
        return TrialResult(number, TrialState.RUNNING)
    enums = {"state": TrialState(written["state"]), "decision": Decision(written["decision"])}
    return TrialResult(number, **{**written, **enums})


def _connect(database: Path) -> sqlite3.Connection:
    """A connection for writing, with a write-ahead log: about five times as fast, and safe if the process dies.

    The tables of a new study take 0.1 s instead of 0.4 s.
    """
    connection = sqlite3.connect(database, timeout=_PATIENCE, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    return connection
