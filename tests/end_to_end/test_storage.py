"""Studies kept in a real PostgreSQL server, through the real command line; only the training is made up."""

import json
import threading
from pathlib import Path

import pytest
import yaml

from pipeline.cli import main
from pipeline.steps.study_files import StudyFiles
from tests.postgresql import PASSWORD, QUOTED

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
    assert main(["studies", "--json"]) == 0
    assert [one["trials"] for one in json.loads(capsys.readouterr().out)] == [3]
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
        assert main(["studies"]) == 0
        assert "the storage failed (" in capsys.readouterr().out
    finally:
        postgresql.start()
    assert sorted(here.rglob("*")) == before
