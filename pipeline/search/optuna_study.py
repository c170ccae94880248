"""How a study is stored with Optuna: opens its database, and reads what Optuna's trials mean."""

import sqlite3
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import DuplicatedStudyError, ExperimentalWarning, StorageInternalError
from optuna.pruners import BasePruner
from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial
from sqlalchemy.exc import SQLAlchemyError

from pipeline.errors import ConvtuneError, StudyError, first_line, printable
from pipeline.metrics import METRICS
from pipeline.search.attributes import objective_attributes, objective_names, outcome_of, request_of
from pipeline.search.mirror import MirroredStorage
from pipeline.search.postgresql import has_study, open_server, refused
from pipeline.search.server_hold import held, hold_on
from pipeline.search.sqlite_file import open_for_reading, open_for_writing
from pipeline.search.stop_reason import StopReason
from pipeline.search.stored_values import check_values
from pipeline.study.database import Database as Database
from pipeline.study.database import ServerDatabase, find_database
from pipeline.study.objective import Objective, minimized_costs, parse_objectives
from pipeline.study.paths import StudyPaths, find
from pipeline.study.record import TrialRecord, mark_front, standing_run
from pipeline.study.trial import Decision, Fault, Trial, TrialResult, TrialState

optuna.logging.set_verbosity(optuna.logging.ERROR)


def create_study(
    database: Database, pruner: BasePruner, objective: Objective, about: Mapping[str, str | int | float]
) -> tuple[optuna.Study, MirroredStorage]:
    """The stored study, created if there is none, and the storage to flush; StudyError if it fails or is an older one.

    A new one in a file has the name of its folder. ``about`` becomes its user attributes, for people. This study never
    prunes, but samplers may read from ``pruner`` that there are brackets of trials.
    """
    with storage_errors(database):
        storage, name = _open_for_writing(database)
        study = optuna.create_study(
            storage=storage,
            study_name=name,
            directions=[StudyDirection[direction.upper()] for direction in objective.directions],
            pruner=pruner,
            load_if_exists=isinstance(database, Path) or database.begun,
        )
        if study.user_attrs:
            stored_objective(study, database)
        _describe(study, {**about, **objective_attributes(objective)}, objective_names(objective))
        mirror = MirroredStorage(storage, study, partial(_hold_on, database))
        return optuna.load_study(study_name=study.study_name, storage=mirror, pruner=pruner), mirror


def _hold_on(database: Database) -> None:
    if isinstance(database, ServerDatabase):
        hold_on(database)


def _open_for_writing(database: Database) -> tuple[RDBStorage, str]:
    """The storage, and the name of the study that is in it or will be."""
    if isinstance(database, ServerDatabase):
        return check_server(database, stays_connected=True), database.name
    storage = open_for_writing(database)
    return storage, _stored_name(storage) or database.resolve().parent.name


def check_server(database: ServerDatabase, stays_connected: bool = False) -> RDBStorage:
    """The storage on a server, with tables in it; StudyError unless the study is there if it has begun, else is not.

    See ``open_server``.
    """
    with storage_errors(database):
        storage = open_server(database, make_tables=not database.begun, stays_connected=stays_connected)
        if has_study(storage, database.name) is not database.begun:
            raise _lost(database) if database.begun else _taken(database)
        return storage


def _lost(database: ServerDatabase) -> StudyError:
    return StudyError(f"{database}: holds no study {database.name!r}; give its database with --storage")


def _taken(database: ServerDatabase) -> StudyError:
    advice = "choose another --study, or another --storage"
    return StudyError(f"{database}: has a study {database.name!r} already, not begun in this folder; {advice}")


def remove_study(database: ServerDatabase) -> None:
    """Removes a study and its trials from a database on a server, if it is there.

    StudyError if another process runs it.
    """
    with held(database), storage_errors(database):
        storage = open_server(database, make_tables=False)
        if has_study(storage, database.name):
            storage.delete_study(storage.get_study_id_from_name(database.name))


def _stored_name(storage: RDBStorage) -> str | None:
    """The name of the study in a database; None if there is none, or several, which are not ours."""
    names = [study.study_name for study in storage.get_all_studies()]
    return names[0] if len(names) == 1 else None


def _describe(study: optuna.Study, attributes: Mapping[str, str | int | float], names: list[str]) -> None:
    """Names the values of trials, and gives the study the attributes that differ from those that it has."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        if study.metric_names != names:
            study.set_metric_names(names)
    before = study.user_attrs
    for name, value in attributes.items():
        if before.get(name) != value:
            study.set_user_attr(name, value)


def load_study(database: Database) -> optuna.Study:
    """The study in a database, for reading only; StudyError if there is none."""
    if isinstance(database, ServerDatabase):
        return optuna.load_study(study_name=database.name, storage=check_server(database))
    storage = open_for_reading(database)
    if (name := _stored_name(storage)) is None:
        raise StudyError(f"{database}: does not hold a study of convtune; choose another --study")
    return optuna.load_study(study_name=name, storage=storage)


def stored_objective(study: optuna.Study, database: Database) -> Objective:
    """The objective that a study began with; StudyError if an older version of convtune stored it differently."""
    stored = study.user_attrs.get("objective")
    if isinstance(stored, dict):  # as it was before the attributes had the words of a job file
        metric, minimized = stored["metric"], tuple(stored["minimized"])
    elif isinstance(stored, str) and "metric" in study.user_attrs:
        metric, minimized = study.user_attrs["metric"], minimized_costs(parse_objectives(stored))
    else:
        raise StudyError(
            f"{database}: written by an older version of convtune, which cannot be read; choose another --study"
        )
    if metric not in METRICS:
        raise StudyError(f"{database}: its metric {metric!r} is unknown; metrics are {', '.join(METRICS)}")
    return Objective(METRICS[metric], minimized)


@contextmanager
def storage_errors(database: Database) -> Iterator[None]:
    """Turns the errors that Optuna and SQLAlchemy raise when a storage fails into a StudyError of one line."""
    try:
        yield
    except DuplicatedStudyError:
        assert isinstance(database, ServerDatabase)
        raise _taken(database) from None
    except (SQLAlchemyError, StorageInternalError, sqlite3.Error) as error:
        if isinstance(database, ServerDatabase):
            raise refused(database, error) from None
        if "disk is full" in str(error):
            full = "the disk is full; free some space, then go on with the same --study"
            raise StudyError(f"{database}: {full}") from None
        raise StudyError(
            f"{database}: Optuna's storage failed ({first_line(error)}); fix that, or choose another --study"
        ) from None


@contextmanager
def reading_errors(database: Database) -> Iterator[None]:
    """Like ``storage_errors``; whatever else a damaged storage makes its readers raise becomes a StudyError too."""
    try:
        with storage_errors(database):
            yield
    except ConvtuneError:
        raise
    except Exception as error:  # an arbitrary file can make Optuna raise any exception
        advice = "put a copy of it back, or choose another --study"
        raise StudyError(f"{database}: damaged ({printable(first_line(error))}); {advice}") from None


def read_study(database: Database) -> tuple[list[TrialRecord], Counter[str]]:
    """Reads the trials of a stored study in the order of their numbers, and counts infeasible proposals by kind."""
    with reading_errors(database):
        study = load_study(database)
        objective = stored_objective(study, database)
        return mark_front(list(records_of(study, objective).values())), count_infeasible(study)


def load_trials(study: str) -> tuple[StudyPaths, list[TrialRecord], Counter[str]]:
    """Finds a study by name or path: its files, its trials by number, its infeasible proposals by kind.

    StudyError if it is unknown, or if its database has been lost.
    """
    paths = find(study)
    database = find_database(paths)
    if database is None:
        return paths, [], Counter()
    return paths, *read_study(database)


_ENDED = "ended"
"""The study's attribute that names why its last search ended."""


def note_end(study: optuna.Study, reason: StopReason | None) -> None:
    """Stores why the search of a study ended, None while it goes on."""
    study.set_user_attr(_ENDED, reason.name.lower() if reason else "")


def noted_end(study: optuna.Study) -> StopReason | None:
    """Why the last search of a study ended; None if it goes on, was interrupted, or an older version ran it."""
    return StopReason.__members__.get(str(study.user_attrs.get(_ENDED)).upper())


def count_infeasible(study: optuna.Study) -> Counter[str]:
    """The number of infeasible proposals by kind of reason."""
    trials = study.get_trials(deepcopy=False)
    return Counter(str(trial.user_attrs["infeasible"]) for trial in trials if "infeasible" in trial.user_attrs)


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
    """The record of an accepted proposal; its state is ``running`` if no result is stored.

    Raises KeyError, TypeError or ValueError where what is stored is damaged.
    """
    written = check_values(request_of(stored))
    trial = Trial(
        number=written["number"],
        params=written["params"],
        seed=written["seed"],
        epochs=written["epochs"],
        costs={name: cost for name, cost in written["costs"].items() if cost is not None},
        drawn=tuple(stored.params),
        began=written.get("began"),
        slot=written.get("slot"),
        source=written.get("source", ""),
    )
    return TrialRecord(trial, _result(trial.number, outcome_of(stored)), objective)


def _result(number: int, written: Mapping[str, Any] | None) -> TrialResult:
    if written is None:
        return TrialResult(number, TrialState.RUNNING)
    check_values(written)
    enums = {
        "state": TrialState(written["state"]),
        "decision": Decision(written["decision"]),
        "fault": Fault(written.get("fault", Fault.NONE)),  # an older version did not note it
    }
    return TrialResult(number, **{**written, **enums})
