"""A real PostgreSQL server for tests: in a temporary folder, with a password, on a free port of this machine."""

import getpass
import itertools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.required import lacking_service

USER, PASSWORD = "tester", "p@ss/word"
"""A password that an address holds only if it is quoted."""

QUOTED = "p%40ss%2Fword"

_numbers = itertools.count()


class PostgreSQL:
    """A server that can be stopped and started again; each test has a database of its own in it."""

    def __init__(self, binaries: Path, folder: Path, user: str) -> None:
        self._binaries, self._folder = binaries, folder
        group = pwd.getpwnam(user).pw_gid
        self._as_user = {"user": user, "group": group, "extra_groups": []} if _is_root() else {}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def run(self, program: str, *arguments: str) -> str:
        """The output of one of PostgreSQL's programs, run by a user who may: not root."""
        done = subprocess.run(
            [self._binaries / program, *arguments],
            **self._as_user,
            cwd=self._folder,
            env={**os.environ, "PGPASSWORD": PASSWORD},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, f"{program}: {done.stdout}"
        return done.stdout

    def create(self) -> None:
        """Makes the files of the server: every connection needs the password."""
        password = self._folder / "password"
        password.write_text(PASSWORD)
        options = ("--auth=scram-sha-256", f"--username={USER}", f"--pwfile={password}", "--no-sync", "--encoding=UTF8")
        self.run("initdb", "--pgdata=data", "--locale=C", *options)

    def start(self) -> None:
        """Starts the server and returns when it answers."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
        self.run("pg_ctl", "start", "-w", "-D", "data", "-l", "log", "-o", options)

    def stop(self) -> None:
        """Ends the server at once; its clients lose their connections."""
        self.run("pg_ctl", "stop", "-w", "-m", "fast", "-D", "data")

    def sql(self, database: str, statement: str) -> str:
        """What ``psql`` prints for a statement, without headings."""
        place = ("-h", "127.0.0.1", "-p", str(self.port), "-U", USER)
        return self.run("psql", *place, "-v", "ON_ERROR_STOP=1", "-XAtc", statement, database).strip()

    def new_database(self) -> str:
        """The name of a new, empty database."""
        name = f"test{next(_numbers)}"
        self.sql("postgres", f"CREATE DATABASE {name}")
        return name

    def ask_for_the_password_itself(self, database: str) -> None:
        """From now on whoever connects to a database has to send the password in clear text."""
        rules = self._folder / "data" / "pg_hba.conf"
        rules.write_text(f"host {database} all 127.0.0.1/32 password\n{rules.read_text()}")
        self.run("pg_ctl", "reload", "-D", "data")

    def address(self, database: str, password: str | None = QUOTED) -> str:
        """The address of a database, with a password as it is written there, or without one (None)."""
        return f"postgresql://{USER}{'' if password is None else ':' + password}@127.0.0.1:{self.port}/{database}"


def _is_root() -> bool:
    return os.geteuid() == 0


def _binaries() -> Path | None:
    """The folder of PostgreSQL's programs: Debian keeps those of the server out of PATH."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), default=None)


@contextmanager
def running_server() -> Iterator[PostgreSQL]:
    """A server; the test is skipped, or fails, where PostgreSQL is not installed."""
    binaries = _binaries()
    if binaries is None:
        lacking_service("PostgreSQL is not installed")
    user = "postgres" if _is_root() else getpass.getuser()
    with tempfile.TemporaryDirectory(prefix="convtune-postgresql-") as folder:
        if _is_root():
            shutil.chown(folder, user)
        server = PostgreSQL(binaries, Path(folder), user)
        server.create()
        server.start()
        try:
            yield server
        finally:
            server.stop()
