"""Studies kept in a real PostgreSQL server, through the real command line; only the training is made up."""

import gc
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import yaml

from pipeline.cli import main
from pipeline.steps.study_files import StudyFiles
from tests.postgresql import PASSWORD, QUOTED

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.usefixtures("only_tested")


@pytest.fixture
def database(postgresql):
    return postgresql.new_database()


def studies_of(postgresql, database):
    return postgresql.sql(database, "SELECT study_name FROM studies ORDER BY study_name").split()


def leaks(folder: Path) -> list[Path]:
    """Files that hold the password, as it is or as an address has it."""
    secrets = [PASSWORD.encode(), QUOTED.encode(), json.dumps(PASSWORD).encode()]
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if any(secret in path.read_bytes() for secret in secrets)]


def test_a_study_lives_in_a_database_whose_server_restarts_in_the_middle(
    tune, here, postgresql, database, capsys, monkeypatch
):
    ended = StudyFiles.trial_ended

    def restart(listener, record):
        ended(listener, record)
        if record.number == 1:
            postgresql.stop()
            threading.Timer(1.5, postgresql.start).start()

    monkeypatch.setattr(StudyFiles, "trial_ended", restart)
    assert tune("--storage", postgresql.address(database), "--trials", "3", "--pruner", "none") == 0
    monkeypatch.undo()
    monkeypatch.chdir(here)
    shown = "".join(capsys.readouterr())
    folder, address = here / "studies" / "mine", postgresql.address(database, None)
    assert "waiting for the storage (" in shown
    assert "the storage is back after " in shown
    assert not (folder / "optuna.db").exists()
    assert yaml.safe_load((folder / "job.yaml").read_text())["storage"] == address
    assert json.loads((folder / "storage.json").read_text()) == {"address": address, "study": "mine"}

    assert main(["trials", "mine", "--json"]) == 0
    assert [trial["state"] for trial in json.loads(capsys.readouterr().out)] == ["complete"] * 3
    assert main(["studies", "--json", "--storage", postgresql.address(database)]) == 0
    assert [(one["trials"], one["storage"]) for one in json.loads(capsys.readouterr().out)] == [(3, address)]
    assert main(["report", "mine"]) == 0
    told = postgresql.run(
        "pg_dump", "-h", "127.0.0.1", "-p", str(postgresql.port), "-U", "tester", "--inserts", database
    )
    assert "'mine'" in told
    assert not [secret for secret in (PASSWORD, QUOTED) if secret in told + shown + "".join(capsys.readouterr())]
    assert not leaks(here)


def test_a_study_goes_on_there_and_is_deleted_there(tune, here, postgresql, database, capsys):
    address = ("--storage", postgresql.address(database))
    assert tune(*address, "--trials", "1") == 0
    assert tune(*address, "--trials", "1", "--study", "other") == 0
    assert main(["tune", "--study", "mine", "--trials", "2"]) == 0
    assert studies_of(postgresql, database) == ["mine", "other"]
    assert main(["delete", "mine", "--yes"]) == 0
    assert f"its trials are in {postgresql.address(database, None)}, as study 'mine'" in capsys.readouterr().out
    assert studies_of(postgresql, database) == ["other"]
    assert [path.name for path in (here / "studies").iterdir()] == ["other"]
    assert tune(*address, "--trials", "1") == 0  # the name is free again
    (here / "studies" / "mine").rename(here / "moved")
    assert main(["trials", "./moved"]) == 0
    capsys.readouterr()
    assert tune(*address) == 2
    assert "has a study 'mine' already, not begun in this folder" in capsys.readouterr().err
    assert not (here / "studies" / "mine").exists()


SECOND = """
from pipeline.cli import main

for words in (["tune", "--study", "./copy"], ["delete", "./copy", "--yes", "--keep-runs"]):
    print(main(words))
"""
"""Another process, which goes on with a copy and then deletes it."""


def test_a_copy_of_the_folder_does_not_run_the_study_at_the_same_time(
    tune, here, postgresql, database, capsys, monkeypatch
):
    """The copy has a lock of its own; the database has one for both."""
    assert tune("--storage", postgresql.address(database), "--trials", "1") == 0
    ended, refused = StudyFiles.trial_ended, []

    def second(listener, record):
        ended(listener, record)
        shutil.copytree(here / "studies" / "mine", here / "copy")
        done = subprocess.run(
            [sys.executable, "-c", SECOND],
            cwd=here,
            env=os.environ | {"PYTHONPATH": str(ROOT), "PGPASSWORD": PASSWORD},
            capture_output=True,
            text=True,
            check=False,
        )
        lines = [line for line in done.stderr.splitlines() if line.startswith("convtune: ")]
        refused.extend(zip(done.stdout.split(), lines, strict=True))

    monkeypatch.setattr(StudyFiles, "trial_ended", second)
    assert main(["tune", "--study", "mine", "--trials", "2"]) == 0
    monkeypatch.undo()
    monkeypatch.chdir(here)
    assert [code for code, _ in refused] == ["2", "2"]
    for _, line in refused:
        assert line.startswith(f"convtune: {postgresql.address(database, None)}: another process runs the study 'mine'")
        assert f"(process {os.getpid()} on host " in line
    capsys.readouterr()
    assert main(["trials", "./copy", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 2


def test_a_copy_of_the_folder_leaves_the_trials_to_the_study_while_that_is_there(
    tune, here, postgresql, database, capsys
):
    assert tune("--storage", postgresql.address(database), "--trials", "1") == 0
    mine, copy = here / "studies" / "mine", here / "copy"
    shutil.copytree(mine, copy)
    for words in (["tune", "--study", "./copy", "--trials", "2"], ["sync", "./copy"]):
        capsys.readouterr()
        assert main(words) == 2
        line = capsys.readouterr().err.splitlines()[-1]
        where = f"a copy of {mine}, whose trials are in {postgresql.address(database, None)}"
        assert line == f"convtune: copy: {where}; go on there, or move that folder elsewhere to go on here"
    assert main(["delete", "./copy", "--yes", "--keep-runs"]) == 0
    assert f"as study 'mine', since {mine} holds the same study" in capsys.readouterr().out
    assert studies_of(postgresql, database) == ["mine"]
    mine.rename(copy)
    assert main(["tune", "--study", "./copy", "--trials", "2"]) == 0  # it takes the trials with it
    elsewhere = """UPDATE study_user_attributes SET value_json = '"laptop 1"' WHERE key = 'machine'"""
    assert postgresql.sql(database, elsewhere) == "UPDATE 1"
    shutil.copytree(copy, here / "away")
    capsys.readouterr()
    assert main(["delete", "./away", "--yes", "--keep-runs"]) == 0
    assert f"as study 'mine', since they belong to {copy} on host laptop; if this is" in capsys.readouterr().out
    assert studies_of(postgresql, database) == ["mine"]
    for said in (1, 0):
        assert main(["sync", "./copy"]) == 0
        assert capsys.readouterr().err.count(f" of {copy} on host laptop; they count as those of this folder") == said
    shutil.copytree(copy, mine)
    assert main(["tune", "--study", "mine", "--trials", "3"]) == 2
    assert main(["delete", "./copy", "--yes", "--keep-runs"]) == 0
    assert studies_of(postgresql, database) == []


def test_commands_leave_no_connection_open_on_a_server_that_may_have_few(tune, postgresql, database):
    gc.disable()  # it would close what is no longer used, sooner or later
    try:
        assert tune("--storage", postgresql.address(database), "--trials", "1") == 0
        for command in ("trials", "sync", "tune"):
            assert main([command, *(["--study"] if command == "tune" else []), "mine"]) == 0
        until = time.monotonic() + 20  # the server's process of a connection ends a moment after it
        while (left := connections(postgresql, database)) > 2 and time.monotonic() < until:
            time.sleep(0.2)
    finally:
        gc.enable()
    assert left <= 2, "those of the two searches"


def connections(postgresql, database):
    return int(postgresql.sql("postgres", f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}'"))


def test_a_study_of_a_folder_does_not_move_to_a_server(tune, postgresql, database, capsys):
    assert tune("--trials", "1") == 0
    assert tune("--storage", postgresql.address(database)) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert "--storage: expected none, since studies/mine keeps its trials in optuna.db; leave --storage out" in line


def test_a_study_that_fails_before_it_begins_leaves_nothing_there(tune, here, postgresql, database, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pipeline.steps.prepare.write_job", full)
    assert tune("--storage", postgresql.address(database)) == 2
    assert studies_of(postgresql, database) == []
    assert not (here / "studies").exists()


def test_a_database_of_something_else_is_refused_in_a_line_and_neither_side_is_written(
    tune, here, postgresql, database, capsys
):
    postgresql.sql(database, "CREATE TABLE customers (name text)")
    before = sorted(here.rglob("*"))
    assert tune("--storage", postgresql.address(database), "--trials", "1") == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("convtune: ")]
    assert line.startswith(f"convtune: {postgresql.address(database, None)}: ")
    assert line.endswith("holds other tables (customers); name an empty database with --storage")
    assert postgresql.sql(database, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'") == "customers"
    assert sorted(here.rglob("*")) == before


def test_while_the_server_is_away_nothing_is_deleted_and_nothing_begins(tune, here, postgresql, database, capsys):
    address = ("--storage", postgresql.address(database))
    assert tune(*address, "--trials", "1") == 0
    before = sorted(here.rglob("*"))
    postgresql.stop()
    try:
        for words in (["delete", "mine", "--yes"], ["trials", "mine"], ["report", "mine"]):
            capsys.readouterr()
            assert main(words) == 2
            line = capsys.readouterr().err.splitlines()[-1]
            assert line.startswith(f"convtune: {postgresql.address(database, None)}: the storage failed (")
        assert tune(*address, "--study", "new") == 2
        assert main(["studies", *address]) == 0
        listed = capsys.readouterr().out
        assert " unknown " in listed
        assert "the storage failed (" in listed
        assert "); check the server, the user and the password" in listed
    finally:
        postgresql.start()
    assert sorted(here.rglob("*")) == before
