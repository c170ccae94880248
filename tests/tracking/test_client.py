"""Stores that cannot be used, in one line and soon; and what opening one leaves behind."""

import http.server
import os
import socket
import sqlite3
import threading
from contextlib import closing

import mlflow.environment_variables as settings
import pytest
from mlflow import MlflowClient
from mlflow.entities import ViewType
from mlflow.exceptions import MlflowException

from pipeline.errors import TrackingError
from pipeline.tracking import ask_store, connect, promote
from pipeline.tracking.client import refusal as refuse
from pipeline.tracking.client import restore_patience, short_reason
from pipeline.tracking.removal import find_runs
from tests.postgresql import PASSWORD


@pytest.fixture
def silent_port():
    """A port of this machine where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        yield probe.getsockname()[1]  # bound, but not listening: refused


@pytest.fixture
def web_server():
    """A server that answers every request with a code of choice."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_error(self.server.code)

        do_POST = do_GET

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def refusal(uri: str) -> str:
    with pytest.raises(TrackingError) as error:
        connect(uri)
    line = str(error.value)
    assert "\n" not in line
    assert len(line) < 450
    return line


def test_a_server_that_refuses(silent_port):
    line = refusal(f"http://me:secret@127.0.0.1:{silent_port}")
    assert line.startswith(f"http://127.0.0.1:{silent_port}: MLflow's store cannot be used: Connection refused; start")
    assert "secret" not in line


def test_a_server_that_never_answers(monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")  # what the user sets wins over the tracker's 5 seconds
    with socket.create_server(("127.0.0.1", 0)) as mute:
        assert "timed out; start the server" in refusal(f"http://127.0.0.1:{mute.getsockname()[1]}")


@pytest.mark.parametrize(("code", "advice"), [(401, "MLFLOW_TRACKING_USERNAME"), (404, "start the server or set")])
def test_a_server_that_is_not_mlflow_or_wants_a_password(web_server, code, advice):
    web_server.code = code
    line = refusal(f"http://127.0.0.1:{web_server.server_port}")
    assert f"error code {code}" in line
    assert advice in line


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("./mlruns", "set MLFLOW_TRACKING_URI to a database, as in sqlite:///mlflow.db (`mlflow migrate-filestore` "),
        ("file:///data/mlruns", "or set MLFLOW_ALLOW_FILE_STORE=true to go on with the folder"),
        ("gopher://host", "unsupported URI"),
        ("http://127.0.0.1:port", "Invalid url"),
        ("http:/127.0.0.1", "Invalid url"),
    ],
)
def test_invalid_uris(uri, why):
    assert why in refusal(uri)


def test_an_unknown_host():
    assert "Failed to resolve 'no-such-host.invalid'" in refusal("http://no-such-host.invalid")


def copied(store, folder):
    """A copy of the store for a test that damages it."""
    with (
        closing(sqlite3.connect(store.removeprefix("sqlite:///"))) as source,
        closing(sqlite3.connect(folder / "mlflow.db")) as target,
    ):
        source.backup(target)
    return folder / "mlflow.db"


def test_a_store_of_another_version_of_mlflow(store, tmp_path):
    file = copied(store, tmp_path)
    with closing(sqlite3.connect(file)) as database:
        database.execute("UPDATE alembic_version SET version_num = '451aebb31d03'")
        database.commit()
    line = refusal(f"sqlite:///{file}")
    assert "out-of-date database schema; make a copy of it, then run `mlflow db upgrade sqlite:////" in line


def test_a_deleted_experiment(store, client, monkeypatch):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "thrown away")
    connect(store).close()
    experiment = client.get_experiment_by_name("thrown away").experiment_id
    client.delete_experiment(experiment)
    assert f"`mlflow experiments restore -x {experiment}`" in refusal(store)


def test_an_experiment_by_its_id(store, client, begin_study, monkeypatch):
    wanted = client.create_experiment("by id")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", wanted)
    tracker = connect(store)
    study = begin_study(tracker)
    tracker.close()
    assert client.get_run(study).info.experiment_id == wanted
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "convtune")
    assert "that is 'by id', not the 'convtune' of MLFLOW_EXPERIMENT_NAME" in refusal(store)
    for unknown in ("987654321", "by id"):
        monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", unknown)
        assert f"MLFLOW_EXPERIMENT_ID={unknown}: sqlite:///" in refusal(store)


def test_the_experiment_of_the_environment(store, client, begin_study, monkeypatch):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "/team/digits")
    tracker = connect(store)
    study = begin_study(tracker)
    tracker.close()
    run = client.get_run(study)
    assert client.get_experiment(run.info.experiment_id).name == "/team/digits"
    assert (
        run.info.artifact_uri.endswith(f"/mlruns/%2Fteam%2Fdigits/{study}/artifacts") or "team" in run.info.artifact_uri
    )
    assert client.list_artifacts(study)


def test_two_folders_have_two_stores(tmp_path, monkeypatch, store):
    """A relative URI means the current folder each time, although MLflow keeps its engines by URI."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        copied(store, tmp_path / name)
        monkeypatch.chdir(tmp_path / name)
        monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", f"in {name}")
        connect().close()
    found = MlflowClient(f"sqlite:///{tmp_path}/two/mlflow.db").search_experiments(view_type=ViewType.ALL)
    names = {experiment.name for experiment in found}
    assert "in two" in names
    assert "in one" not in names


@pytest.mark.parametrize("name", ["my images #1 (50%)", "a%20b"])
def test_a_folder_with_odd_characters(tmp_path, monkeypatch, store, begin_study, name):
    folder = tmp_path / name
    folder.mkdir()
    copied(store, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "new here")
    tracker = connect()
    study = begin_study(tracker)
    tracker.close()
    assert tracker.problems == []
    assert {path.name for path in folder.iterdir()} == {"mlflow.db", "mlruns"}
    assert (folder / "mlruns" / "new%20here" / study / "artifacts" / "job.yaml").is_file()
    assert list(tmp_path.iterdir()) == [folder]


def test_the_environment_is_left_as_it_was(store):
    before = dict(os.environ)
    connect(store).close()
    assert dict(os.environ) == before


def test_a_program_keeps_its_patience_with_mlflow(silent_port, store, monkeypatch):
    """After whatever was asked, also where the store does not answer or somebody presses Ctrl-C at the end."""
    restore_patience()
    own = settings.MLFLOW_HTTP_REQUEST_MAX_RETRIES.default
    assert own > 2
    refusal(f"http://127.0.0.1:{silent_port}")
    ask_store(store)
    promote("no-run", store)
    find_runs("", store)
    assert settings.MLFLOW_HTTP_REQUEST_MAX_RETRIES.default == own
    tracker = connect(store)
    with monkeypatch.context() as patch:
        patch.setattr(tracker._sender, "close", lambda: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            tracker.close()
    assert settings.MLFLOW_HTTP_REQUEST_MAX_RETRIES.default == own
    tracker.close()


def test_a_reason_is_short_and_of_one_line():
    assert short_reason(ValueError("a\n  b")) == "a b"
    assert short_reason(KeyError()) == "KeyError"
    assert len(short_reason(ValueError("x" * 1000))) == 200
    assert short_reason(OSError("pool: [Errno 111] Connection refused'))")) == "Connection refused"


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        ("Max retries exceeded: Connection refused", "Connection refused; see that the server runs, then repeat"),
        ("failed with error code 503", "error code 503; see that the server runs, then repeat the command"),
        ("failed with error code 403", "error code 403; set MLFLOW_TRACKING_USERNAME and"),
        ("(sqlite3.OperationalError) database is locked", "database is locked; end the other program that writes"),
        ("Invalid model name", "Invalid model name; mend that and repeat the command, or set MLFLOW_TRACKING_URI"),
    ],
)
def test_a_refusal_says_what_to_do(reason, advice):
    line = str(refuse("http://me:secret@host:5000", MlflowException(reason), "the view"))
    assert line.startswith("http://host:5000: MLflow refused the view: ")
    assert advice in line


def test_a_postgresql_database_of_something_else_is_left_alone(postgresql):
    database = postgresql.new_database()
    postgresql.sql(database, "CREATE TABLE songs (title TEXT)")
    with pytest.raises(TrackingError, match=r"holds other tables \(songs\), but none of MLflow's") as raised:
        connect(postgresql.address(database))
    assert PASSWORD not in str(raised.value)
    assert postgresql.sql(database, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'") == "songs"
