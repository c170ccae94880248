"""Holds a study in a PostgreSQL database for one process at a time: copies of a study's folder have locks of their own.

The hold is an advisory lock in a transaction that stays open: the server itself lets go of it when the process ends,
however it ends, so a stale one needs no rule. Who holds it is the name of that connection.
"""

import os
import re
import socket
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from pipeline.errors import StudyError
from pipeline.search.postgresql import engine_of, refused
from pipeline.study.database import ServerDatabase
from pipeline.study.holder import Holder

_ROOM = 1_668_182_644
"""The first number of the advisory lock of each study in a database; the second is made of the study's name."""

_SETTINGS = text(
    "SELECT set_config(name, value, true) FROM pg_settings JOIN (VALUES ('idle_in_transaction_session_timeout', '0'), "
    "('tcp_keepalives_idle', '60'), ('tcp_keepalives_interval', '10'), ('tcp_keepalives_count', '3')) "
    "AS wanted (name, value) USING (name)"
)
"""The connection is idle for as long as the study runs; of a host that has gone, the server knows after 90 s."""

_TAKE = text("SELECT pg_try_advisory_xact_lock(CAST(:room AS int), CAST(:study AS int))")
_HOLDER = text(
    "SELECT application_name, extract(epoch FROM xact_start), pid FROM pg_locks JOIN pg_stat_activity USING (pid) "
    "WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND classid = CAST(CAST(:room AS bigint) AS oid) AND "
    "objid = CAST(CAST(:study AS bigint) & 4294967295 AS oid) AND "
    "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
_END_SECONDS = 0.5
_END = text("SELECT pg_terminate_backend(:pid)")

_holds: dict[ServerDatabase, "_Hold"] = {}
"""The studies that this process holds."""


@contextmanager
def held(database: ServerDatabase) -> Iterator[None]:
    """Holds the study while the block runs; one that this process holds already is held on.

    StudyError, which says who it is, if another process holds it, and if the server refuses.
    """
    if (key := _key(database)) in _holds:
        yield
        return
    hold = _Hold(database)
    try:
        hold.take()
    except SQLAlchemyError as error:
        raise refused(database, error) from None
    _holds[key] = hold
    try:
        yield
    finally:
        del _holds[key]
        hold.let_go()


def hold_on(database: ServerDatabase) -> None:
    """Takes the study again if this process held it and the server has closed the connection, as in a restart.

    StudyError if another process was faster; whatever SQLAlchemy raises while the server is away.
    """
    if hold := _holds.get(_key(database)):
        hold.renew()


def _key(database: ServerDatabase) -> ServerDatabase:
    return ServerDatabase(database.address, database.name)


class _Hold:
    """The lock of a study, and the connection that keeps it."""

    def __init__(self, database: ServerDatabase) -> None:
        self._database = database
        self._engine = engine_of(database, f"convtune {os.getpid()} on {socket.gethostname()}")
        self._numbers = {"room": _ROOM, "study": zlib.crc32(database.name.encode()) - 2**31}
        self._connection: Connection | None = None

    def take(self, own_is_stale: bool = False) -> None:
        """Takes the lock; ``own_is_stale``: from a connection that this very process has lost, which is ended first."""
        connection = self._engine.connect()
        try:
            connection.execute(_SETTINGS)
            if connection.scalar(_TAKE, self._numbers):
                self._connection = connection
                return
            holder, backend = self._ask(connection)
            own_is_stale &= holder is not None and (holder.host, holder.pid) == _here()
            if own_is_stale:
                connection.execute(_END, {"pid": backend})
        finally:
            if self._connection is not connection:
                connection.close()
        if not own_is_stale:
            raise StudyError(f"{self._database}: {_describe(self._database.name, holder)}")
        time.sleep(_END_SECONDS)
        self.take()

    def renew(self) -> None:
        """Takes the lock again where its connection is gone."""
        connection = self._connection
        try:
            if connection is not None:
                connection.execute(text("SELECT 1"))
                return
        except SQLAlchemyError:
            self.let_go()
        self.take(own_is_stale=True)

    def let_go(self) -> None:
        """Ends the transaction and with it the lock."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(SQLAlchemyError):
                connection.close()

    def _ask(self, connection: Connection) -> tuple[Holder | None, int]:
        """Who has the lock and by which backend of the server; None where that is not known."""
        for name, since, backend in connection.execute(_HOLDER, self._numbers):
            if (told := re.fullmatch(r"convtune (\d+) on (.+)", name or "")) and since is not None:
                return Holder(told[2], int(told[1]), float(since)), int(backend)
        return None, 0


def _here() -> tuple[str, int]:
    return socket.gethostname(), os.getpid()


def _describe(name: str, holder: Holder | None) -> str:
    who = f" ({holder})" if holder is not None else ""
    return f"another process runs the study {name!r}{who}; wait for it, end it, or choose another --study"
