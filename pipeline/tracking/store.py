"""Where MLflow's store is, whether it can be used, and the command that shows it. Without importing MLflow."""

import contextlib
import hashlib
import os
import re
import sqlite3
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote

from filelock import FileLock

from pipeline.console import note
from pipeline.errors import TrackingError, note_password, without_password
from pipeline.files import sqlite_url
from pipeline.tracking.relocate import relocate

DEFAULT_URI = "sqlite:///mlflow.db"
_SQLITE = re.compile(r"(?P<scheme>sqlite(?P<driver>\+\w+)?:///)(?P<file>[^?]*)(?P<query>\?.*)?")
_DATABASE_LOCK_SECONDS = 5.0
_CREATION_SECONDS = 120.0
_ADVICE = "set MLFLOW_TRACKING_URI to another, as in sqlite:////data/mlflow.db"


def store_uri(uri: str | None) -> str:
    """``uri``, else ``$MLFLOW_TRACKING_URI``, else ``mlflow.db`` in the current folder, with an absolute path.

    MLflow keeps one database engine per URI: after a change of folder, a relative one would still mean the old file.
    Raises TrackingError for an SQLite URI without a file.

    >>> store_uri("sqlite:////data/mlflow.db")
    'sqlite:////data/mlflow.db'
    """
    uri = uri or os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_URI
    if not uri.startswith("sqlite"):
        note_password(uri)
        return uri
    parts = _SQLITE.fullmatch(uri)
    if parts is None or parts["file"] in ("", ":memory:"):
        raise TrackingError(f"{uri}: expected a file, as in sqlite:///mlflow.db, or sqlite:////data/mlflow.db")
    scheme, slashes, file = sqlite_url(_meant_file(parts["file"]).absolute()).partition(":///")
    return f"{parts['scheme'] if parts['driver'] else scheme + slashes}{file}{parts['query'] or ''}"


def sqlite_file(uri: str) -> Path | None:
    """The file of an SQLite store, None for any other store.

    >>> str(sqlite_file("sqlite:////data/a%2520b/mlflow.db?timeout=5"))
    '/data/a%20b/mlflow.db'
    """
    parts = _SQLITE.fullmatch(uri)
    return _meant_file(parts["file"]) if parts else None


def _meant_file(path: str) -> Path:
    """The file of a URI's path, which SQLAlchemy decodes. One that is written undecoded is known by its folder."""
    decoded, written = Path(unquote(path)), Path(path)
    return written if written.parent.is_dir() and not decoded.parent.is_dir() else decoded


def check_database(file: Path) -> None:
    """Raises TrackingError unless ``file`` is, or can become, an SQLite file of MLflow that this user may write.

    MLflow itself would try for 100 seconds to open an unusable file, and would add its tables to any database.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(file, timeout=_DATABASE_LOCK_SECONDS)) as database:
            tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            _try_to_write(database)
    except (OSError, sqlite3.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise TrackingError(f"{file}: expected MLflow's SQLite file or a place for it: {reason}; {_ADVICE}") from None
    if tables and "experiments" not in tables:
        raise TrackingError(f"{file}: an SQLite file, but none of MLflow's; {_ADVICE}")


def check_tables(uri: str) -> None:
    """Raises TrackingError for a PostgreSQL database of something else: MLflow would add its tables to it."""
    from sqlalchemy import create_engine, inspect  # imported late: MLflow brings it
    from sqlalchemy.pool import NullPool

    engine = create_engine(uri, poolclass=NullPool, connect_args={"connect_timeout": int(_DATABASE_LOCK_SECONDS)})
    tables = inspect(engine).get_table_names()
    if tables and "experiments" not in tables:
        problem = f"holds other tables ({min(tables)}), but none of MLflow's"
        raise TrackingError(f"{without_password(uri)}: {problem}; name an empty database in MLFLOW_TRACKING_URI")


def _try_to_write(database: sqlite3.Connection) -> None:
    """Writes a number of the file's header unchanged and rolls back; opening a transaction checks no permission."""
    database.execute("BEGIN IMMEDIATE")
    (version,) = database.execute("PRAGMA user_version").fetchone()
    database.execute(f"PRAGMA user_version = {version}")
    database.rollback()


@contextlib.contextmanager
def exclusive(file: Path) -> Iterator[None]:
    """Locks out this user's other processes: two that create one store at the same time break it (measured)."""
    name = hashlib.sha256(f"{Path.home()} {file}".encode()).hexdigest()[:16]
    with FileLock(Path(tempfile.gettempdir(), f"convtune-{name}.lock"), timeout=_CREATION_SECONDS):
        yield


def announce_moves(file: Path) -> None:
    """Makes up for a move of the store and its artifacts, and says what has moved."""
    for line in relocate(file):
        note(line)


def server_address(uri: str | None) -> str | None:
    """The address of the server that ``uri`` names (None: as for ``connect``), without password; None for a file."""
    store = store_uri(uri)
    return without_password(store).rstrip("/") if _is_server(store) else None


def _is_server(store: str) -> bool:
    return store.startswith(("http://", "https://"))


def check_exists(store: str) -> None:
    """Raises TrackingError when the store is an SQLite file that does not exist, instead of making an empty one."""
    file = sqlite_file(store)
    if file is not None and not file.is_file():
        raise TrackingError(f"{file}: no such file; run `convtune tune` here first, or go to the folder where it ran")


def ui_command(uri: str | None, port: int, host: str = "127.0.0.1", names: Sequence[str] = ()) -> list[str]:
    """The command line of MLflow's UI on the store of ``uri`` (None: as for ``connect``), listening on ``host``.

    It needs the variable of ``ui_environment``.

    MLflow answers browsers that name it as localhost or by a private address, and takes changes (and searches) from
    pages of localhost only; ``names`` are ``host:port`` under which its pages are opened besides.
    Raises TrackingError when the store is a server, which has a UI of its own, or an SQLite file that does not exist.
    """
    store = store_uri(uri)
    if _is_server(store):
        raise TrackingError(f"{without_password(store)}: the runs are on this server; open that address in a browser")
    check_exists(store)
    if file := sqlite_file(store):
        announce_moves(file)
    address = ["--host", host, "--port", str(port), *_admit(names)]
    return [sys.executable, "-m", "mlflow", "server", *address, "--workers", "1"]


def ui_environment(uri: str | None) -> dict[str, str]:
    """The variable that names the store to the command of ``ui_command``.

    Everybody on a machine can read the words of a command, and a database's address may have a password in it.
    """
    return {"MLFLOW_BACKEND_STORE_URI": store_uri(uri)}


def _admit(names: Sequence[str]) -> Iterator[str]:
    """Options that let pages be opened under ``names``, but for what the user has set by MLflow's variables."""
    if names and not os.environ.get("MLFLOW_SERVER_ALLOWED_HOSTS"):
        yield from ("--allowed-hosts", ",".join([*names, "localhost:*"]))  # as it is named behind `ssh -L`
    if names and not os.environ.get("MLFLOW_SERVER_CORS_ALLOWED_ORIGINS"):
        yield from ("--cors-allowed-origins", ",".join(f"http://{name}" for name in names))
