"""Where a study keeps its trials: in an SQLite file of its folder, or in a PostgreSQL database under a name."""

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlencode

from pipeline.errors import StudyError
from pipeline.files import write_text
from pipeline.study.paths import StudyPaths

_ADDRESS = re.compile(
    r"(?P<scheme>\w+)(\+psycopg)?://((?P<user>[^:/@\s]+)(:(?P<password>[^\s]*))?@)?"
    r"(?P<host>(\[[0-9a-fA-F:]+\]|[^@/?:\s\[\]]*)(:\d+)?)/(?P<name>[^@/?\s]+)(\?(?P<query>[^@\s]*))?"
)
_SECRET = re.compile(r"(?i)\w*(password|passwd|pwd|token|secret)")

_passwords: dict[str, str] = {}
"""The passwords that were given in an address, by the address without it: in this process alone, written nowhere."""


@dataclass(frozen=True)
class ServerDatabase:
    """A study in a PostgreSQL database.

    ``address`` has no password, ``name`` is the study's there, ``begun`` says whether it should be there already.
    """

    address: str
    name: str
    begun: bool = True

    def __str__(self) -> str:
        return self.address

    @property
    def password(self) -> str | None:
        """The password that the address was given with; None leaves it to PGPASSWORD and ~/.pgpass."""
        return _passwords.get(self.address)


Database = Path | ServerDatabase
"""An SQLite file, or a PostgreSQL database."""


def parse_address(value: object) -> str:
    """The address of a PostgreSQL database without its password, which this process keeps in memory.

    ValueError for anything else.

    >>> parse_address("postgres://me:secret@host:5433/trials?sslmode=require")
    'postgresql://me@host:5433/trials?sslmode=require'
    """
    parts = _ADDRESS.fullmatch(value.strip()) if isinstance(value, str) else None
    if parts is None or parts["scheme"] not in ("postgresql", "postgres"):
        raise ValueError("expected a PostgreSQL database as postgresql://user@host/database")
    query = parse_qsl(parts["query"] or "", keep_blank_values=True)
    if kept := [key for key, _ in query if key != "password" and _SECRET.fullmatch(key)]:
        raise ValueError(f"expected no {kept[0]} in the address, which is stored; put it into a service file")
    if "sslkeylogfile" in dict(query):  # an address may be from somebody else's study or job, and this writes any file
        raise ValueError("expected no sslkeylogfile in the address; set SSLKEYLOGFILE for programs that you trust")
    address = f"postgresql://{parts['user'] + '@' if parts['user'] else ''}{parts['host']}/{parts['name']}"
    if plain := [(key, text) for key, text in query if key != "password"]:
        address += f"?{urlencode(plain, safe='/')}"
    password = unquote(parts["password"] or "") or dict(query).get("password")
    if password:
        _passwords[address] = password
    return address


def database_of(paths: StudyPaths) -> Database:
    """Where the study of a folder keeps its trials, whether they are there or not.

    StudyError if its file that says so is unreadable.
    """
    try:
        content = json.loads(paths.server.read_text(encoding="utf-8"))
        return ServerDatabase(parse_address(content["address"]), str(content["study"]))
    except FileNotFoundError:
        return paths.storage
    except (OSError, ValueError, KeyError, TypeError):
        raise StudyError(
            f"{paths.server}: expected the address of a database and the study's name there; put it back"
        ) from None


def find_database(paths: StudyPaths) -> Database | None:
    """Where the study of a folder keeps its trials; None where none has been stored yet.

    StudyError as from ``database_of``, and for a file that has been lost.
    """
    database = database_of(paths)
    check_not_lost(paths, database)
    return None if isinstance(database, Path) and not database.is_file() else database


def check_not_lost(paths: StudyPaths, database: Database) -> None:
    """StudyError for a file that is gone or empty although trials of the study are in its folder."""
    if isinstance(database, ServerDatabase) or (database.is_file() and database.stat().st_size):
        return
    if any(paths.path.glob("trials/*/history.csv")):
        or_else = f" (or {paths.server.name}, of a study on a server)"
        what = ": empty" if database.is_file() else f"{or_else}: missing"
        raise StudyError(f"{database}{what}, but there are trials here; put it back, or choose another --study")


def choose_database(paths: StudyPaths, address: str) -> Database:
    """Where a study that starts or goes on keeps its trials; ``address`` is what the job says ("": nothing).

    The database of a study may have moved to another address. StudyError for one that began in its folder.
    """
    database = database_of(paths)
    if not address:
        return database
    if isinstance(database, ServerDatabase):
        return replace(database, address=address)
    if paths.exists:
        advice = "leave --storage out, or choose another --study"
        raise StudyError(f"--storage: expected none, since {paths.path} keeps its trials in {database.name}; {advice}")
    return ServerDatabase(address, paths.name, begun=False)


def note_database(paths: StudyPaths, database: Database) -> None:
    """Writes into the study's folder which database holds its trials."""
    if isinstance(database, ServerDatabase):
        write_text(paths.server, json.dumps({"address": database.address, "study": database.name}) + "\n")
