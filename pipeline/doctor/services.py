"""Checks MLflow's store, and whether this folder can hold studies."""

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from pipeline.console import status
from pipeline.doctor.finding import Finding, note, ok, problem
from pipeline.errors import ConvtuneError
from pipeline.study.lock import locked
from pipeline.study.paths import ROOT, StudyPaths

_ELSEWHERE = "keep studies on a disk of this machine: run convtune there, or name a path with --study"


def check_tracking() -> list[Finding]:
    """Asks the store that ``MLFLOW_TRACKING_URI`` names, and writes nothing there."""
    try:
        with status("asking MLflow"):
            from pipeline.tracking import ask_store  # seconds, since it imports MLflow

            return [ok(ask_store())]
    except ConvtuneError as error:
        fact, _, remedy = str(error).rpartition("; ")
        return [problem(fact or remedy, remedy if fact else "set MLFLOW_TRACKING_URI to another store")]


def check_storage() -> list[Finding]:
    """Locks a file and writes a database with a write-ahead log, in a temporary folder where studies are."""
    where = ROOT if ROOT.is_dir() else Path.cwd()
    try:
        with tempfile.TemporaryDirectory(prefix=".convtune-doctor-", dir=where) as folder:
            with locked(StudyPaths(Path(folder))):
                pass
            with closing(sqlite3.connect(Path(folder, "optuna.db"))) as database:
                mode = str(database.execute("PRAGMA journal_mode=WAL").fetchone()[0])
                database.execute("CREATE TABLE written (number INTEGER)")
    except (ConvtuneError, OSError, sqlite3.Error) as error:
        return [problem(f"no study can be stored in {where} ({error})", _ELSEWHERE)]
    if mode != "wal":
        return [
            note(f"databases in {where} have no write-ahead log (journal mode {mode}), so they are slow", _ELSEWHERE)
        ]
    return [ok(f"files can be locked and databases written in {where}")]
