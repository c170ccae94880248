"""URIs, what may be MLflow's SQLite file, and the UI's command line."""

import os
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import make_url

from pipeline.errors import TrackingError, without_password
from pipeline.tracking.store import check_database, sqlite_file, store_uri, ui_command, ui_environment


def test_the_default_is_a_file_in_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert store_uri(None) == f"sqlite:///{tmp_path}/mlflow.db"


def test_what_is_given_wins_over_the_environment(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert store_uri(None) == "http://127.0.0.1:5000"
    assert store_uri("sqlite:////data/mlflow.db") == "sqlite:////data/mlflow.db"


def test_a_relative_file_becomes_absolute_and_keeps_its_options(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    uri = store_uri("sqlite+pysqlite:///runs/my runs.db?timeout=5")
    assert uri == f"sqlite+pysqlite:///{tmp_path}/runs/my runs.db?timeout=5"
    assert sqlite_file(uri) == tmp_path / "runs" / "my runs.db"


@pytest.mark.parametrize("name", ["a%20b", "feature%2Fx", "100%25", "50% off?"])
def test_a_folder_whose_name_looks_encoded(tmp_path, monkeypatch, name):
    """SQLAlchemy decodes the path of a URL; a user who writes the folder as it is means it as it is."""
    folder = tmp_path / name
    folder.mkdir()
    monkeypatch.chdir(folder)
    uri = store_uri(None)
    assert sqlite_file(uri) == folder / "mlflow.db"
    assert make_url(uri).database == str(folder / "mlflow.db")
    if "?" not in name:
        assert store_uri(f"sqlite:///{folder}/mlflow.db?timeout=5") == f"{uri}?timeout=5"


@pytest.mark.parametrize(
    "uri", ["sqlite:mlflow.db", "sqlite://mlflow.db", "sqlite:///", "sqlite:///:memory:", "sqlite"]
)
def test_no_file_in_an_sqlite_uri(uri):
    with pytest.raises(TrackingError, match=r"expected a file, as in sqlite:///mlflow\.db"):
        store_uri(uri)


def test_only_sqlite_has_a_file():
    assert sqlite_file("postgresql://host/mlflow") is None


def test_messages_show_no_password():
    assert without_password("https://me:secret@host:5000/x") == "https://host:5000/x"
    assert without_password("sqlite:////data/mlflow.db") == "sqlite:////data/mlflow.db"


def test_a_file_can_be_made_in_a_folder_that_is_not_there_yet(tmp_path):
    check_database(tmp_path / "new" / "mlflow.db")
    assert (tmp_path / "new").is_dir()


def make_text(place: Path) -> Path:
    (place / "mlflow.db").write_text("this is a text file, and long enough for SQLite to see that " * 20)
    return place / "mlflow.db"


def make_folder(place: Path) -> Path:
    (place / "mlflow.db").mkdir()
    return place / "mlflow.db"


def make_file_in_the_way(place: Path) -> Path:
    (place / "runs").write_text("")
    return place / "runs" / "mlflow.db"


def make_foreign(place: Path) -> Path:
    with closing(sqlite3.connect(place / "mlflow.db")) as database:
        database.execute("CREATE TABLE trials (number INTEGER)")
    return place / "mlflow.db"


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (make_text, "not a database"),
        (make_folder, "unable to open"),
        (make_file_in_the_way, "Not a directory|File exists"),
        (make_foreign, "none of MLflow's"),
    ],
)
def test_what_cannot_be_the_store(make, why, tmp_path):
    file = make(tmp_path)
    with pytest.raises(TrackingError, match=why) as refusal:
        check_database(file)
    assert str(refusal.value).startswith(f"{file}: ")
    assert "MLFLOW_TRACKING_URI" in str(refusal.value)


def refusals_without_rights(*files):
    """What is said of files in a process of its own, which gives up root's right to write everywhere if it has it."""
    reading, writing = os.pipe()
    if (process := os.fork()) == 0:
        try:
            if os.geteuid() == 0:
                os.seteuid(65534)
            for file in files:
                try:
                    check_database(file)
                except TrackingError as refusal:
                    os.write(writing, f"{refusal}\n".encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(process, 0)
    with open(reading) as answer:
        return answer.read().splitlines()


def test_no_permission_to_write():
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are closed to others than their owner
        folder = Path(name)
        check_database(folder / "there.db")
        (folder / "there.db").chmod(0o444)
        folder.chmod(0o555)
        there, new = refusals_without_rights(folder / "there.db", folder / "new.db")
        folder.chmod(0o755)
    refused = "expected MLflow's SQLite file or a place for it"
    assert there.startswith(f"{folder}/there.db: {refused}: attempt to write a readonly database; ")
    assert new.startswith(f"{folder}/new.db: {refused}: unable to open database file; ")


def test_the_command_of_the_ui(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mlflow.db").touch()
    command = ui_command(None, 5050)
    assert command[:4] == [sys.executable, "-m", "mlflow", "server"]
    options = dict(zip(command[4::2], command[5::2], strict=True))
    assert options == {
        "--host": "127.0.0.1",
        "--port": "5050",
        "--workers": "1",
    }
    assert ui_environment(None) == {"MLFLOW_BACKEND_STORE_URI": f"sqlite:///{tmp_path}/mlflow.db"}


def test_other_names_are_admitted_unless_the_user_has_said_which(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mlflow.db").touch()
    monkeypatch.delenv("MLFLOW_SERVER_ALLOWED_HOSTS", raising=False)
    monkeypatch.delenv("MLFLOW_SERVER_CORS_ALLOWED_ORIGINS", raising=False)

    def options():
        command = ui_command(None, 5050, "0.0.0.0", ["10.0.0.5:5050", "box:5050"])
        return dict(zip(command[4::2], command[5::2], strict=True))

    assert options()["--host"] == "0.0.0.0"
    assert options()["--allowed-hosts"] == "10.0.0.5:5050,box:5050,localhost:*"
    assert options()["--cors-allowed-origins"] == "http://10.0.0.5:5050,http://box:5050"
    monkeypatch.setenv("MLFLOW_SERVER_ALLOWED_HOSTS", "box.example")
    monkeypatch.setenv("MLFLOW_SERVER_CORS_ALLOWED_ORIGINS", "https://box.example")
    assert not {"--allowed-hosts", "--cors-allowed-origins"} & set(options())


def test_a_server_has_a_ui_of_its_own(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://me:secret@mlflow.example:5000")
    with pytest.raises(TrackingError, match=r"^https://mlflow\.example:5000: .* open that address in a browser$"):
        ui_command(None, 5000)


def test_a_ui_without_a_store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TrackingError, match=r"mlflow\.db: no such file; run `convtune tune` here first"):
        ui_command(None, 5000)
    assert list(tmp_path.iterdir()) == []
