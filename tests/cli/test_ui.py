"""``convtune ui``, with stand-ins for MLflow's server."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from mlflow import MlflowClient

import pipeline.tracking
from pipeline.cli import main
from pipeline.cli.ui import check_free, serve
from pipeline.errors import JobError, TrackingError
from pipeline.study.fingerprint import StudyFingerprint, write_fingerprint
from pipeline.study.paths import StudyPaths

ROOT = Path(__file__).parents[2]
FAMILY = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
with open(sys.argv[1] + ".new", "w") as file:
    file.write(str(child.pid))
os.rename(sys.argv[1] + ".new", sys.argv[1])
time.sleep(600)
"""
"""A server with a process of its own, as MLflow's is: writes its id, and stays."""


@pytest.fixture
def busy_port():
    """A port that something listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.fixture
def server(monkeypatch):
    """Puts commands in the place of MLflow's, and notes what they were called with."""
    requests = []

    def put(code):
        def command(uri, port):
            requests.append((uri, port))
            return [sys.executable, "-c", code]

        monkeypatch.setattr(pipeline.tracking, "ui_command", command)
        return requests

    return put


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


def test_prints_the_address_and_ends_with_the_server(server, capsys):
    requests = server("print('chatter')")
    port = free_port()
    assert main(["ui", "--port", str(port)]) == 0
    assert requests == [(None, port)]
    out, err = capsys.readouterr()
    address = f"http://127.0.0.1:{port}/#/experiments?workflowType=machine_learning"
    assert out == f"all experiments:\n  {address}\nMLflow takes some seconds to start; Ctrl-C ends it.\n"
    assert err == ""


@pytest.fixture
def begun(here):
    """A study ``mine`` below the current folder, which has an MLflow store; returns a function that sets its run."""
    paths = StudyPaths(Path("studies/mine"))
    paths.path.mkdir(parents=True)
    paths.job.write_text("data: digits\n")

    def logged_as(run):
        write_fingerprint(paths, StudyFingerprint("space", "data", 3, 0, run=run))

    return logged_as


@pytest.fixture
def logged(begun, here):
    """The id of the study's run, in the experiment of the store."""
    client = MlflowClient(f"sqlite:///{here}/mlflow.db")
    run = client.create_run(client.get_experiment_by_name("convtune").experiment_id).info.run_id
    begun(run)
    return run


@pytest.mark.parametrize("study", [["mine"], []], ids=["named", "latest"])
def test_prints_the_pages_of_a_study(study, logged, server, capsys):
    server("pass")
    port = free_port()
    assert main(["ui", *study, "--port", str(port)]) == 0
    address = f"http://127.0.0.1:{port}"
    view = f"{address}/#/experiments/1/runs?workflowType=machine_learning&viewStateShareKey={logged[:8]}"
    assert capsys.readouterr().out.splitlines() == [
        "mine, trials by score:",
        f"  {view}",
        "mine, charts:",
        f"  {view}&compareRunsMode=CHART",
        "mine, the study:",
        f"  {address}/#/experiments/1/runs/{logged}?workflowType=machine_learning",
        "MLflow takes some seconds to start; Ctrl-C ends it.",
    ]


def test_a_study_that_is_not_in_the_store_is_one_line(begun, server, capsys):
    begun("0123456789abcdef0123456789abcdef")
    server("raise SystemExit('started')")
    assert main(["ui", "mine", "--port", str(free_port())]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("convtune: study mine: not in sqlite:///")
    assert err.count("\n") == 1


def test_without_a_study_the_ui_opens_whatever_is_in_the_store(begun, server, capsys):
    begun("")
    server("pass")
    assert main(["ui", "--port", str(free_port())]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("all experiments:\n  http://127.0.0.1:")
    assert err.startswith("note: no pages of the latest study: study mine: not in sqlite:///")
    assert err.count("\n") == 1


def test_what_takes_its_time_is_told_while_it_lasts(logged, server, monkeypatch, capsys):
    prepare = pipeline.tracking.prepare_pages

    def slow(*args):
        time.sleep(0.1)
        return prepare(*args)

    monkeypatch.setattr("pipeline.console._SLOW", 0.01)
    monkeypatch.setattr(pipeline.tracking, "prepare_pages", slow)
    server("pass")
    assert main(["ui", "--port", str(free_port())]) == 0
    assert capsys.readouterr().err == "preparing the pages in MLflow ...\n"


HEALTHY = """
import http.server, sys
class Healthy(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        sys.exit()
http.server.HTTPServer(("127.0.0.1", {port}), Healthy).serve_forever()
"""
"""A server that answers once and then ends."""


@pytest.mark.parametrize(
    ("desktop", "flags", "opened"),
    [(True, [], True), (True, ["--no-open"], False), (False, [], False)],
)
def test_a_desktop_gets_the_first_page_once_the_server_answers(
    desktop, flags, opened, logged, server, monkeypatch, capsys
):
    port, pages = free_port(), []
    monkeypatch.setattr("webbrowser.open", pages.append)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("DISPLAY", ":0" if desktop else "")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    server(HEALTHY.format(port=port) if opened else "pass")
    assert main(["ui", "mine", "--port", str(port), *flags]) == 0
    until = time.monotonic() + 30
    while opened and not pages and time.monotonic() < until:
        time.sleep(0.05)
    first = capsys.readouterr().out.splitlines()[1].strip()
    assert pages == ([first] if opened else [])


def test_a_server_elsewhere_needs_none_of_ours(here, server, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://me:secret@mlflow.example:5000")
    requests = server("raise SystemExit('started')")
    assert main(["ui"]) == 0
    address = "https://mlflow.example:5000/#/experiments?workflowType=machine_learning"
    assert (capsys.readouterr().out, requests) == (f"all experiments:\n  {address}\n", [])


def test_the_address_stands_before_the_server_begins(server, capfd):
    server("import sys; sys.exit(3)")
    assert main(["ui", "--port", str(free_port())]) == 2
    out, err = capfd.readouterr()
    assert out.startswith("all experiments:\n  http://127.0.0.1:")
    assert err == "convtune: MLflow's server ended with exit code 3: it printed nothing\n"


def test_a_server_that_fails_is_quoted_in_one_line():
    code = "import sys; print('first'); print('no such table: runs', file=sys.stderr); sys.exit(1)"
    with pytest.raises(TrackingError, match=r"exit code 1: (first|no such table: runs)$"):
        serve([sys.executable, "-uc", code])


def test_a_busy_port_is_refused_before_anything_starts(server, busy_port, capsys):
    server("raise SystemExit('started')")
    assert main(["ui", "--port", str(busy_port)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert f"127.0.0.1:{busy_port}" in err
    assert err.count("\n") == 1


def test_a_port_that_is_busy_on_every_address_is_refused():
    with socket.create_server(("0.0.0.0", 0)) as listening, pytest.raises(JobError, match="--port"):
        check_free(listening.getsockname()[1])


def test_a_port_that_was_just_left_is_free():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        accepted, _ = listening.accept()
        accepted.close()  # the side that closes first keeps the port in TIME_WAIT
        client.close()
    check_free(port)


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http", "1.5", ""])
def test_a_port_outside_the_range_is_refused(port, server, capsys):
    server("raise SystemExit('started')")
    with pytest.raises(SystemExit) as end:
        main(["ui", f"--port={port}"])
    assert end.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "--port: expected a whole number from 1" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ends_in_order_and_leaves_no_process(how, tmp_path):
    note = tmp_path / "pid"
    command = [sys.executable, "-c", FAMILY, str(note)]
    code = f"from pipeline.cli.ui import serve; serve({command!r}); print('over')"
    outer = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while not note.exists():
        assert outer.poll() is None
        time.sleep(0.02)
    grandchild = psutil.Process(int(note.read_text()))
    outer.send_signal(how)
    out, err = outer.communicate(timeout=60)
    assert (outer.returncode, out, err) == (0, b"over\n", b"")
    assert not alive(grandchild)


def alive(process):
    try:
        process.wait(timeout=30)  # killed, but perhaps not yet gone
    except psutil.TimeoutExpired:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False
