"""Opens Optuna's storage in a PostgreSQL database, and waits for a server that has gone."""

import os
import time
from collections.abc import Callable
from typing import Any, TypeVar

from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from sqlalchemy import URL, Engine, create_engine, inspect, make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from pipeline.console import note
from pipeline.errors import StorageAwayError, StudyError, first_line
from pipeline.study.database import ServerDatabase

T = TypeVar("T")

_OPTUNA = {"studies", "trials", "version_info"}
"""Tables that tell Optuna's database from others."""

_CREATION = 4_207_849_484
"""The advisory lock under which tables are made: two processes that make them at the same time break each other."""

_CONNECT_SECONDS = 10
_PATIENCE = 1800.0
"""Seconds for which a running study waits for its server."""

_PAUSES = (0.0, 0.5, 1.0, 2.0, 5.0)
"""Seconds before each further try; the last stands for all that follow."""


def open_server(database: ServerDatabase, make_tables: bool, stays_connected: bool = False) -> RDBStorage:
    """The storage in a database; in an empty one its tables are made if ``make_tables``.

    One that ``stays_connected`` keeps one connection until it is no longer used, as a search needs; another connects
    for each query, and leaves a server that may have few connections none of them open.
    StudyError without the driver, and for a database that holds something else.
    """
    with engine_of(database).begin() as connection:
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_CREATION})"))
        tables = set(inspect(connection).get_table_names())
        if tables and not tables >= _OPTUNA:
            raise StudyError(f"{database}: holds other tables ({min(tables)}); name an empty database with --storage")
        if not tables and not make_tables:
            raise StudyError(f"{database}: holds no study; put its tables back, or give the address with --storage")
        written = _url(database).render_as_string(hide_password=False).replace("{", "{{").replace("}", "}}")
        pool: dict[str, Any] = {"pool_size": 1} if stays_connected else {"poolclass": NullPool}
        return RDBStorage(written, engine_kwargs={"connect_args": _settings(database), **pool})  # it formats the URL


def engine_of(database: ServerDatabase, name: str = "convtune") -> Engine:
    """Connects to a database anew each time; the server shows ``name``. StudyError without the driver."""
    try:
        return create_engine(_url(database), poolclass=NullPool, connect_args=_settings(database, name))
    except ImportError:
        raise StudyError(f"{database}: needs psycopg; run pip install 'convtune[postgresql]'") from None


def _url(database: ServerDatabase) -> URL:
    return make_url(database.address).set(drivername="postgresql+psycopg")


def _settings(database: ServerDatabase, name: str = "convtune") -> dict[str, Any]:
    """Settings of a connection. No server gets the password in clear text, since the address may be a stranger's."""
    password = {} if database.password is None else {"password": database.password}
    methods = {"require_auth": os.environ.get("PGREQUIREAUTH", "!password")} if _knows_methods() else {}
    return {"connect_timeout": _CONNECT_SECONDS, "application_name": name, **password, **methods}


def _knows_methods() -> bool:
    """Whether PostgreSQL's client library (16 or newer) can refuse methods of authentication."""
    import psycopg  # an extra of convtune

    return psycopg.pq.version() >= 160000


def has_study(storage: RDBStorage, name: str) -> bool:
    """Whether a study of this name is in a storage."""
    return any(study.study_name == name for study in storage.get_all_studies())


def refused(database: ServerDatabase, error: BaseException) -> StorageAwayError:
    """That the server is away or has refused, in one line."""
    reason = reason_of(error)
    if "cleartext password" in reason:
        advice = "if you trust it with your password, set PGREQUIREAUTH=password"
    else:
        advice = "check the server, the user and the password (PGPASSWORD or ~/.pgpass), or name another --storage"
    return StorageAwayError(f"{database}: the storage failed ({reason}); {advice}")


def reason_of(error: BaseException) -> str:
    """Why a database refused, in one line: of several addresses of a host, what the last said."""
    origin = getattr(error, "orig", None) or error.__cause__ or error
    told = [line for line in str(origin).splitlines() if "failed: " in line]
    return first_line(type(origin)(told[-1].strip(" -")) if told else origin)


def write_patiently(engine: Engine, write: Callable[[], T], reconnect: Callable[[], None]) -> T:
    """The value of ``write``, which is called again while the server is away, for half an hour at most.

    ``reconnect`` is called before it is. An SQLite file has no server to wait for.
    """
    if engine.dialect.name == "sqlite":
        return write()
    began, tries = time.monotonic(), 0
    while True:
        try:
            if tries:
                reconnect()
            value = write()
        except (OperationalError, StorageInternalError) as error:
            if not _has_gone(error) or time.monotonic() - began > _PATIENCE:
                raise
            if tries == 1:  # the first failure only shows that the connection is an old one
                note(f"waiting for the storage ({reason_of(error)}); Ctrl-C twice ends the study")
            engine.dispose()
            time.sleep(_PAUSES[min(tries, len(_PAUSES) - 1)])
            tries += 1
        else:
            if tries > 1:
                note(f"the storage is back after {time.monotonic() - began:.0f} s")
            return value


def _has_gone(error: Exception) -> bool:
    return isinstance(error, OperationalError) or isinstance(error.__cause__, OperationalError)
