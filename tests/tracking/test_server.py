"""A real MLflow server on this machine: the tracker speaks to it, the UI shows what a study wrote, and it may die."""

import http.server
import json
import os
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from contextlib import closing, contextmanager
from pathlib import Path

import mlflow.environment_variables as settings
import mlflow.pyfunc
import pytest
from mlflow import MlflowClient

from pipeline.metrics import ACCURACY
from pipeline.study.trial import EpochReport, TrialState
from pipeline.tracking import About, ModelDecision, Registration, connect, once, sender, ui_command, ui_environment
from pipeline.tracking import tracker as tracker_module
from pipeline.tracking.client import set_patience
from tests.tracking.records import make_record

pytestmark = pytest.mark.slow


class Decision(mlflow.pyfunc.PythonModel):
    """A model without Keras."""

    def predict(self, context, model_input: list[float]) -> list[float]:
        return [42.0 for _ in model_input]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def server(store, tmp_path_factory):
    """MLflow's server on the shared store, started by the command of ``convtune ui``; its address and process."""
    port, folder = free_port(), tmp_path_factory.mktemp("server")
    log = folder / "server.log"
    with log.open("w") as output:
        # Without its process for jobs it ends five seconds sooner.
        environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"} | ui_environment(store)
        command = ui_command(store, port, names=[f"127.0.0.1:{port}", f"box.lan:{port}"])
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output)
    address = f"http://127.0.0.1:{port}"
    until = time.monotonic() + 120
    while not answers(address):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.5)
    yield address, process
    end(process)


def answers(address):
    try:
        return urllib.request.urlopen(f"{address}/health", timeout=5).status == 200
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False


def end(process):
    process.terminate()
    process.wait(60)


def search_from(address, host):
    """The status of a search for runs that a page opened at ``host`` sends."""
    headers = {"Host": host, "Origin": f"http://{host}", "Content-Type": "application/json"}
    data = json.dumps({"experiment_ids": ["0"]}).encode()
    try:
        request = urllib.request.Request(f"{address}/ajax-api/2.0/mlflow/runs/search", data, headers)
        return urllib.request.urlopen(request, timeout=30).status
    except urllib.error.HTTPError as refusal:
        return refusal.code


def test_pages_opened_under_an_admitted_name_work_and_no_others(server):
    address, _ = server
    own = address.removeprefix("http://")
    port = own.rpartition(":")[2]
    answers = {host: search_from(address, host) for host in (own, f"box.lan:{port}", f"evil.example:{port}")}
    assert list(answers.values()) == [200, 200, 403]


def get(address):
    return urllib.request.urlopen(address, timeout=30).read()


def test_runs_of_a_file_show_in_the_ui(server, store, begin_study, tmp_path):
    """What was written to the SQLite file directly, without a server, is served with its artifacts."""
    address, _ = server
    tracker = connect(store)
    study = begin_study(tracker)
    (tmp_path / "history.png").write_bytes(b"png")
    tracker.log_artifact(tmp_path / "history.png", "plots")
    tracker.close()
    assert get(f"{address}/get-artifact?path=plots/history.png&run_uuid={study}") == b"png"
    dataset = MlflowClient(address).get_run(study).inputs.dataset_inputs[0].dataset
    assert dataset.name == "mnist5k"


class LosesAnswers(http.server.BaseHTTPRequestHandler):
    """Passes requests on to ``server.behind``; the answer to the first of each request that creates a run is lost.

    ``server.lost`` are these requests (None: no answer is lost), ``server.loses`` the end of their paths.
    Once ``server.silent``, it answers nothing any more.
    ``server.failed`` are the paths that it has refused once, as it does with each (None: it refuses none).
    """

    def pass_on(self):
        if self.server.silent:
            self.server.unheard.append(self.path)
            self.server.speaks.wait()
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.server.failed is not None and self.path not in self.server.failed:
            self.server.failed.add(self.path)
            self.send_error(503)
            return
        headers = {"Content-Type": self.headers.get("Content-Type") or "text/plain"}
        request = urllib.request.Request(self.server.behind + self.path, body or None, headers, method=self.command)
        try:
            answer = urllib.request.urlopen(request, timeout=30)
        except urllib.error.HTTPError as refusal:
            answer = refusal
        status, content = answer.status, answer.read()
        lost = self.server.lost
        if lost is not None and self.path.endswith(self.server.loses) and body not in lost:
            lost.append(body)
            if len(lost) % 2:
                self.connection.close()
                return
            status, content = 502, b"bad gateway"
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_PUT = pass_on

    def log_message(self, *args):
        """Nothing is printed."""


@contextmanager
def proxy_of(behind, lost=None):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), LosesAnswers) as proxy:
        proxy.failed, proxy.loses = None, "/runs/create"
        proxy.behind, proxy.lost, proxy.silent, proxy.unheard, proxy.speaks = behind, lost, False, [], threading.Event()
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        yield proxy
        proxy.speaks.set()
        proxy.shutdown()


def test_a_lost_answer_makes_no_second_run(server, dataset, monkeypatch):
    """Of the study's run and of each trial's, whether the connection breaks or a proxy answers for the server."""
    monkeypatch.setattr(sender, "_PAUSES", (0.1,))
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "lost answers")
    with proxy_of(server[0], lost=[]) as proxy:
        tracker = connect(f"http://127.0.0.1:{proxy.server_port}")
        with closing(tracker):
            tracker.begin_study(About("lost", {}, dataset.facts, "", id="an-id"), None)
            for number in (0, 1):
                tracker.trial_started(make_record(number))
                tracker.trial_ended(make_record(number, TrialState.COMPLETE, 0.5, epochs=1))
            tracker.end_study("FINISHED", {})
    client = MlflowClient(server[0])
    runs = client.search_runs([client.get_experiment_by_name("lost answers").experiment_id])
    assert len(proxy.lost) == 3
    assert sorted(run.data.tags.get("number", "study") for run in runs) == ["0", "1", "study"]
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert tracker.problems == []


def test_a_lost_answer_registers_no_second_version(server, begin_study, folder, monkeypatch):
    """Whatever the request: the connection breaks at every other one, the second time at those between."""
    monkeypatch.setattr(once, "_PAUSE", 0.1)
    client = MlflowClient(server[0])
    with proxy_of(server[0]) as proxy, closing(connect(f"http://127.0.0.1:{proxy.server_port}")) as tracker:
        study = begin_study(tracker)
        proxy.loses = ""
        for number, lost in enumerate(([], [b"another"])):
            name, proxy.lost = f"unheard-{number}", lost
            tags = {"study": "mine", "trial": str(number)}
            decision = tracker.register_best(folder, Registration(name, "mine", 0.5, ACCURACY, "d", tags))
            assert decision == ModelDecision(1, True, "the first champion")
            assert len(client.search_model_versions(f"name = '{name}'")) == 1
            assert len(lost) > 8
    run = client.get_run(study)
    models = client.search_logged_models([run.info.experiment_id], f"source_run_id = '{study}'")
    assert sorted(model.name for model in models) == ["mine-trial-0", "mine-trial-1"]
    assert {model.model_id for model in models} == {output.model_id for output in run.outputs.model_outputs}
    assert {model.status for model in models} == {"READY"}


def test_a_server_that_falls_silent_is_asked_twice_and_a_program_has_its_own_patience_after_it(
    server, dataset, monkeypatch
):
    """It takes connections and never answers: the write that is under way fails, and so does a last attempt."""
    own, begun = patience(), threading.Event()
    monkeypatch.setattr(sender, "_PAUSES", (3600,))
    monkeypatch.setattr(tracker_module, "_LAST_SECONDS", 1)
    with proxy_of(server[0]) as proxy:
        tracker = connect(f"http://127.0.0.1:{proxy.server_port}")
        tracker.begin_study(About("digits", {}, dataset.facts), None, lambda run: begun.set())
        assert begun.wait(60)
        assert patience() == [0, 15]
        proxy.silent = True
        set_patience(retries=0, seconds=1)
        for number in range(3):
            tracker.trial_started(make_record(number))
        tracker.close()
    assert len(proxy.unheard) == 2
    (problem,) = tracker.problems
    assert "MLflow does not answer (" in problem
    assert "the run of trial 0 and everything after it are missing" in problem
    assert patience() == own


def test_a_model_is_registered_by_a_server_that_fails_once_at_each_request(server, begin_study, folder, monkeypatch):
    monkeypatch.setattr(sender, "_PAUSES", (0.1,))
    monkeypatch.setattr(once, "_PAUSE", 0.1)
    with proxy_of(server[0]) as proxy, closing(connect(f"http://127.0.0.1:{proxy.server_port}")) as tracker:
        begin_study(tracker)
        proxy.failed = set()
        decision = tracker.register_best(folder, Registration("ailing", "mine", 0.5, ACCURACY, "d", {}))
        assert decision == ModelDecision(1, True, "the first champion")
        assert len(proxy.failed) > 5
        assert patience() == [0, 15]


def test_a_server_that_is_silent_when_a_model_is_to_be_registered_is_not_waited_for(server, begin_study, monkeypatch):
    monkeypatch.setattr(sender, "_PAUSES", (0.1,))
    with proxy_of(server[0]) as proxy, closing(connect(f"http://127.0.0.1:{proxy.server_port}")) as tracker:
        begin_study(tracker)
        proxy.silent = True
        set_patience(retries=0, seconds=1)
        decision = tracker.register_best(Path("unread"), Registration("silent", "my own", 0.5, ACCURACY, "d", {}))
        assert decision.version == 0
        assert decision.reason.endswith("; `convtune sync 'my own'` registers it")
        assert len(proxy.unheard) == 2


def test_the_last_attempt_to_begin_a_study_is_a_short_one(server, dataset, monkeypatch):
    asked = []

    def note(retries, seconds):
        asked.append(seconds)
        set_patience(retries, 1)

    monkeypatch.setattr(tracker_module, "set_patience", note)
    monkeypatch.setattr(sender, "_PAUSES", (3600,))  # a late end finds no second attempt
    with proxy_of(server[0]) as proxy:
        tracker = connect(f"http://127.0.0.1:{proxy.server_port}")
        proxy.silent = True
        tracker.begin_study(About("silent", {}, dataset.facts), None)
        while not tracker._sender.away:
            time.sleep(0.1)
        tracker.close()
    assert asked == [15, 5, 5], "the first attempt, the end, the last attempt"


def patience():
    """MLflow's retries, and the seconds for which it waits for each answer."""
    return [settings.MLFLOW_HTTP_REQUEST_MAX_RETRIES.get(), settings.MLFLOW_HTTP_REQUEST_TIMEOUT.get()]


def test_a_study_through_a_server_which_then_dies(server, begin_study, tmp_path, monkeypatch, capfd):
    """The last of this file: nothing answers after it."""
    address, process = server
    tracker = connect(address)
    study = begin_study(tracker)
    tracker.trial_started(make_record(0, params={"blocks": 2}))
    tracker.epoch_ended(make_record(0), EpochReport(0, 1, {"loss": 0.5}, 1.0))
    tracker.trial_ended(make_record(0, TrialState.COMPLETE, 0.5, epochs=1, seconds=1.0))
    (tmp_path / "trials.csv").write_text("number,score\n")
    tracker.log_artifact(tmp_path / "trials.csv")
    tracker.log_artifact(tmp_path / "trials.csv", "plots")
    tracker.remove_artifacts("plots", ["trials.csv"])
    mlflow.pyfunc.save_model(tmp_path / "m", python_model=Decision(), input_example=[1.0], pip_requirements=["mlflow"])
    decision = tracker.register_best(tmp_path / "m", Registration("through-http", "mine", 0.5, ACCURACY, "d", {}))
    assert (decision.version, decision.champion) == (1, True)
    tracker.end_study("FINISHED", {"test_accuracy": 0.5})
    tracker._sender.call(lambda: None)

    client = MlflowClient(address)
    run = client.get_run(study)
    assert run.info.status == "FINISHED"
    trials = client.search_runs([run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{study}'")
    assert [trial.data.metrics["score"] for trial in trials] == [0.5]
    # What the browser asks for:
    assert b"<html" in get(address).lower()
    assert get(f"{address}/get-artifact?path=trials.csv&run_uuid={study}") == b"number,score\n"
    assert client.list_artifacts(study, "plots") == []
    assert tracker.problems == []
    model = run.outputs.model_outputs[0].model_id
    listing = json.loads(get(f"{address}/ajax-api/2.0/mlflow/logged-models/{model}/artifacts/directories"))
    assert "MLmodel" in {file["path"] for file in listing["files"]}

    end(process)
    monkeypatch.setattr(sender, "_PAUSES", (0.1,))
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    tracker.trial_started(make_record(1))
    tracker.trial_ended(make_record(1, TrialState.COMPLETE, 0.6))
    tracker.end_study("FINISHED", {})
    tracker.close()
    (trouble,) = tracker.problems
    assert trouble.startswith(
        f"{address}: MLflow does not answer (Connection refused); the run of trial 1 and everything "
    )
    output = capfd.readouterr()
    assert (output.out, output.err) == ("", "")
