"""Optuna's storage in an SQLite file: opened for writing, or for reading, which changes nothing in the file."""

import os
import shlex
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from optuna.storages import RDBStorage
from sqlalchemy.pool import NullPool

from pipeline.errors import StudyError, printable
from pipeline.files import sqlite_url

_PATIENCE = 60.0
"""Seconds that another process may keep the database locked."""

_OPTUNA = {"studies", "trials", "version_info"}
"""Tables that tell Optuna's database from others."""

_MADE_LAST = "alembic_version"
"""Optuna's last table: where it is missing, a process was killed while it made them."""


def open_for_writing(database: Path) -> RDBStorage:
    """The storage in a file, which is made if it is missing. It keeps one connection until its engine is disposed of.

    StudyError if the file holds something else.
    """
    tables = _tables(database) if database.exists() else set()
    if tables and "studies" not in tables:
        raise _another(database)
    return _open(database, partial(_connect, database), _MADE_LAST in tables, {"pool_size": 1})


def open_for_reading(database: Path) -> RDBStorage:
    """The storage in a file, in which nothing is changed: Optuna would make what is missing, in any file.

    It connects for each query, so that the file is not open longer than it is read.
    StudyError if the file holds something else.
    """
    if not _tables(database) >= _OPTUNA:
        raise _another(database)
    return _open(database, partial(_connect_for_reading, database), True, {"poolclass": NullPool})


def _another(database: Path) -> StudyError:
    return StudyError(f"{database}: does not hold a study of convtune; choose another --study")


def _tables(database: Path) -> set[str]:
    """The tables in a file.

    StudyError for views, which may compute for ever, triggers, which may write, and tables that are a module's.
    """
    is_virtual = "upper(sql) LIKE 'CREATE VIRTUAL%'"
    with closing(_connect_for_reading(database)) as connection:
        query = f"SELECT CASE WHEN {is_virtual} THEN 'virtual table' ELSE type END, name FROM sqlite_master"
        found = connection.execute(query).fetchall()
    for kind, name in found:
        if kind not in ("table", "index"):
            advice = "put a copy of it back, or choose another --study"
            raise StudyError(f"{database}: holds a {kind} ({printable(name)}), which Optuna does not write; {advice}")
    return {name for kind, name in found if kind == "table"}


def _open(
    database: Path, connect: Callable[[], sqlite3.Connection], complete: bool, pool: dict[str, Any]
) -> RDBStorage:
    """The storage; its tables are made unless they are ``complete``. ``pool`` says how it keeps connections.

    StudyError if another version of Optuna wrote it.
    """
    url = sqlite_url(database).replace("{", "{{").replace("}", "}}")  # Optuna formats the URL
    try:
        return RDBStorage(url, engine_kwargs={"creator": connect, **pool}, skip_table_creation=complete)
    except RuntimeError as error:
        if "optuna storage upgrade" in str(error):
            command = f"optuna storage upgrade --storage {shlex.quote(url)}"
            problem, advice = "an older version of Optuna", f"make a copy of it, then run `{command}`"
        else:
            problem, advice = "a newer version of Optuna", "run `pip install -U optuna`"
        raise StudyError(f"{database}: Optuna's storage was written by {problem}; {advice}") from None


def _connect_for_reading(database: Path) -> sqlite3.Connection:
    """A connection that can change nothing in the database."""
    connection = sqlite3.connect(database, timeout=_PATIENCE, check_same_thread=False)
    connection.execute("PRAGMA query_only=ON")
    if os.access(database.parent, os.W_OK):
        return connection
    try:
        connection.execute("SELECT 1 FROM sqlite_master").fetchall()
    except sqlite3.OperationalError:
        connection.close()
        return _connect_where_nothing_can_be_written(database)
    return connection


def _connect_where_nothing_can_be_written(database: Path) -> sqlite3.Connection:
    """A connection to a file that was kept with a write-ahead log, for which SQLite would make files beside it."""
    if Path(f"{database}-wal").exists():
        raise StudyError(f"{database}: cannot be read here with the log beside it; copy both to where you may write")
    return sqlite3.connect(f"{database.absolute().as_uri()}?immutable=1", uri=True, check_same_thread=False)


def _connect(database: Path) -> sqlite3.Connection:
    """A connection for writing, with a write-ahead log: about five times as fast, and safe if the process dies.

    The tables of a new study take 0.1 s instead of 0.4 s. Without a log where the file system cannot map files that
    several processes write, as some mounted drives.
    """
    connection = sqlite3.connect(database, timeout=_PATIENCE, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("SELECT 1 FROM sqlite_master").fetchall()  # the log is opened here
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise
        connection.close()
        return _connect_without_log(database)
    connection.execute("PRAGMA synchronous=NORMAL")
    return connection


def _connect_without_log(database: Path) -> sqlite3.Connection:
    """A connection that turns the log off for good: the attempt has marked the file, and so has a disk it was on."""
    connection = sqlite3.connect(database, timeout=_PATIENCE, check_same_thread=False)
    connection.execute("PRAGMA locking_mode=EXCLUSIVE")  # then SQLite reads a log without mapping anything
    connection.execute("PRAGMA journal_mode=DELETE")
    connection.execute("PRAGMA locking_mode=NORMAL")
    connection.execute("SELECT 1 FROM sqlite_master").fetchall()  # lets go of the lock
    return connection
