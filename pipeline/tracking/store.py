"""Where MLflow's store is, whether it can be used, and the command that shows it. No MLflow here."""

import contextlib
import hashlib
import os
import re
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock

from pipeline.errors import TrackingError

DEFAULT_URI = "sqlite:///mlflow.db"
_SQLITE = re.compile(r"(?P<scheme>sqlite(\+\w+)?:///)(?P<file>[^?]*)(?P<query>\?.*)?")
_LOCK_SECONDS = 5.0
_MAKING_SECONDS = 120.0


def store_uri(uri: str | None) -> str:
    """``uri``, else ``$MLFLOW_TRACKING_URI``, else ``mlflow.db`` in the current folder; SQLite's path made absolute.

    Absolute, because MLflow keeps one engine a URI: in another folder the same relative one would be the old file.
    """
    asked = uri or os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_URI
    if not asked.startswith("sqlite"):
        return asked
    parts = _SQLITE.fullmatch(asked)
    if parts is None or parts["file"] in ("", ":memory:"):
        raise TrackingError(f"{asked}: expected a file, as in sqlite:///mlflow.db, or sqlite:////data/mlflow.db")
    return f"{parts['scheme']}{Path(parts['file']).absolute()}{parts['query'] or ''}"


def sqlite_file(uri: str) -> Path | None:
    """The file of an SQLite store, None for any other."""
    parts = _SQLITE.fullmatch(uri)
    return Path(parts["file"]) if parts else None


def shown(uri: str) -> str:
    """``uri`` as a message may show it: without user and password."""
    return re.sub(r"//[^/@]*@", "//", uri)


def check_database(file: Path) -> None:
    """Raises TrackingError unless ``file`` is, or can become, an SQLite file of MLflow that may be written.

    MLflow itself would try for 100 seconds to open what cannot be opened, and add its tables to any database.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(file, timeout=_LOCK_SECONDS)) as database:
            tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            _try_to_write(database)
    except (OSError, sqlite3.Error) as fault:
        why = fault.strerror if isinstance(fault, OSError) else str(fault)
        raise TrackingError(f"{file}: expected MLflow's SQLite file or a place for it: {why}; {_elsewhere}") from None
    if tables and "experiments" not in tables:
        raise TrackingError(f"{file}: an SQLite file, but none of MLflow's; {_elsewhere}")


def _try_to_write(database: sqlite3.Connection) -> None:
    """Writes a number of the file's head as it is, and takes it back; a transaction alone asks for no permission."""
    database.execute("BEGIN IMMEDIATE")
    (version,) = database.execute("PRAGMA user_version").fetchone()
    database.execute(f"PRAGMA user_version = {version}")
    database.rollback()


_elsewhere = "set MLFLOW_TRACKING_URI to another, as in sqlite:////data/mlflow.db"


@contextlib.contextmanager
def alone(file: Path) -> Iterator[None]:
    """Keeps this user's other processes from opening ``file``: two that make one store at once spoil it (measured)."""
    name = hashlib.sha256(f"{Path.home()} {file}".encode()).hexdigest()[:16]
    with FileLock(Path(tempfile.gettempdir(), f"convtune-{name}.lock"), timeout=_MAKING_SECONDS):
        yield


def place_to_look(uri: str | None) -> str:
    """Where a person sees the runs of ``uri``'s store (None: as for ``connect``): a server's address, or a command."""
    store = store_uri(uri)
    return shown(store) if _is_server(store) else "convtune ui"


def _is_server(store: str) -> bool:
    return store.startswith(("http://", "https://"))


def ui_command(uri: str | None, port: int) -> list[str]:
    """The command line of MLflow's UI on the store of ``uri`` (None: as for ``connect``), on 127.0.0.1 only.

    TrackingError when the store is a server, which has a UI of its own, or an SQLite file that is not there.
    """
    store = store_uri(uri)
    if _is_server(store):
        raise TrackingError(f"{shown(store)}: the runs are on this server; open that address in a browser")
    file = sqlite_file(store)
    if file is not None and not file.is_file():
        raise TrackingError(f"{file}: no such file; run `convtune tune` here first, or go to the folder where it ran")
    address = ["--host", "127.0.0.1", "--port", str(port)]
    return [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", store, *address, "--workers", "1"]
