"""MLflow's server is away, for a while or for good, or refuses: the study does not mind. Training is made up."""

import http.server
import threading
import time

import pytest
from mlflow import MlflowClient

from pipeline.cli import main
from tests.end_to_end import pretend

pytestmark = pytest.mark.slow


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
    histories = [MlflowClient(server.address).get_metric_history(run.info.run_id, "val_accuracy") for run in trials]
    assert [[metric.step for metric in history] for history in histories] == [[1, 2, 3]] * count


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
        pausing(monkeypatch, 2, server.kill)
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
    assert line.endswith("`convtune sync` sends its runs later")


def test_what_a_server_that_stays_away_lacks_is_sent_later_and_once(tune, server, here, monkeypatch, capsys):
    server.stop()
    began = time.monotonic()
    assert tune("--study", "alone", "--pruner", "none") == 0
    assert time.monotonic() - began < 60
    said = capsys.readouterr().err
    assert "MLflow does not answer (Connection refused)" in said
    assert "later, `convtune sync alone` sends what is missing" in said
    assert main(["sync", "alone"]) == 2
    assert "Connection refused; start the server" in capsys.readouterr().err
    server.start()
    for written in (8, 0):
        assert main(["sync", "alone"]) == 0
        assert f"Runs of trials: {written} of 8 were missing or differed" in capsys.readouterr().out
        assert_complete(server, study_named(server, "alone"))
    files = {
        file.path for file in MlflowClient(server.address).list_artifacts(study_named(server, "alone").info.run_id)
    }
    assert {"job.yaml", "trials.csv", "leaderboard.json", "test.json"} <= files

    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{here}/mlflow.db")  # another store, which is empty
    assert main(["sync", "alone"]) == 0
    assert "8 of 8 were missing" in capsys.readouterr().out
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.address)
    assert main(["sync", "alone"]) == 0
    assert "0 of 8 were missing" in capsys.readouterr().out
    assert_complete(server, study_named(server, "alone"))
