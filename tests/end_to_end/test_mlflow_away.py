"""MLflow's server is away, for a while or for good, or refuses: the study does not mind. Training is made up."""

import http.server
import threading
import time

import pytest

from tests.end_to_end import pretend
from tests.mlflow_server import MlflowServer

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="module")
def server(folder):
    """A server that runs where a test begins."""
    server = MlflowServer(folder)
    server.start()
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def _address(server, monkeypatch, only_tested):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.address)


@pytest.fixture
def refusing():
    """The address of a server that answers 403 to everything."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_error(403)

        do_POST = do_GET

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as answering:
        threading.Thread(target=answering.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{answering.server_port}"
        answering.shutdown()


def study_named(server, name):
    (study,) = [run for run in server.studies() if run.info.run_name == name]
    return study


def assert_complete(server, study, count=8):
    trials = server.trials(study.info.run_id)
    assert [int(run.data.tags["number"]) for run in trials] == list(range(count))
    assert {(run.info.status, run.data.tags["state"], run.data.metrics["epochs"]) for run in trials} == {
        ("FINISHED", "complete", 3)
    }
    assert sorted(int(run.data.tags["rank"]) for run in trials) == list(range(1, count + 1))
    assert study.info.status == "FINISHED"


def pausing(monkeypatch, number, pause):
    """Before trial ``number`` ends, ``pause`` is called."""
    train = pretend.PretendTraining.run

    def run(task, report):
        if task.number == number:
            pause()
        return train(task, report)

    monkeypatch.setattr(pretend.PretendTraining, "run", run)


@pytest.mark.parametrize("from_the_start", [True, False])
def test_a_server_that_comes_back_has_everything(tune, server, monkeypatch, capsys, from_the_start):
    """The study trains while there is none: the server comes back only when trial 7 is asked for."""
    name = f"away-{from_the_start}"
    if from_the_start:
        server.stop()
    else:
        pausing(monkeypatch, 2, server.stop)
    pausing(monkeypatch, 7, server.start)
    assert tune("--study", name, "--pruner", "none") == 0
    said = capsys.readouterr().err
    assert said.count("its runs follow once MLflow answers") == from_the_start
    assert "missing" not in said
    assert_complete(server, study_named(server, name))


def test_a_server_that_refuses_costs_one_line(tune, refusing, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", refusing)
    assert tune("--study", "refused") == 0
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "127.0.0.1" in line]
    assert "error code 403; set MLFLOW_TRACKING_USERNAME" in line
    assert line.endswith("the study begins without MLflow")


def test_a_server_that_stays_away_delays_the_end_by_seconds(tune, server, monkeypatch, capsys):
    server.stop()
    began = time.monotonic()
    assert tune("--study", "alone") == 0
    assert time.monotonic() - began < 60
    server.start()
    assert "MLflow does not answer (Connection refused)" in capsys.readouterr().err
    assert not [run for run in server.studies() if run.info.run_name == "alone"]
