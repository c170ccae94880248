"""``convtune ui``, with stand-ins for MLflow's server."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from mlflow import MlflowClient

import pipeline.tracking
from pipeline.cli import main
from pipeline.cli.ui_place import Place, check_free, find_place
from pipeline.cli.ui_server import serve
from pipeline.errors import JobError, StoreAwayError, TrackingError
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


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """A folder without studies: where the tests are started there may be some."""
    monkeypatch.chdir(tmp_path)


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
        def command(uri, port, host, names):
            requests.append((uri, port, host, names))
            return [sys.executable, "-c", code.replace("PORT", str(port)).replace("HOST", host)]

        monkeypatch.setattr(pipeline.tracking, "ui_command", command)
        return requests

    return put


HEALTHY = """
import http.server, socket
class Healthy(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
class Server(http.server.HTTPServer):
    address_family = socket.AF_INET6 if ":" in "HOST" else socket.AF_INET
Server(("HOST", PORT), Healthy).serve_forever()
"""
"""A server that answers as MLflow's does when somebody asks whether it is there."""


@pytest.fixture
def healthy(server, monkeypatch):
    """A server that answers, and this process is asked to end as soon as the command has said so."""

    def until_ready(command, place, ready, environment):
        def end_then():
            ready()
            os.kill(os.getpid(), signal.SIGTERM)

        assert environment["MLFLOW_BACKEND_STORE_URI"].startswith("sqlite:///")
        serve(command, place, end_then, environment)

    monkeypatch.setattr("pipeline.cli.ui.serve", until_ready)
    monkeypatch.setattr("pipeline.console._SLOW", 600)
    return server(HEALTHY)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


def test_prints_the_address_and_ends_when_asked_to(healthy, capsys):
    port = free_port()
    assert main(["ui", "--port", str(port)]) == 0
    assert healthy == [(None, port, "127.0.0.1", ())]
    out, err = capsys.readouterr()
    address = f"http://127.0.0.1:{port}"
    assert out.splitlines() == [
        "all experiments:",
        f"  {address}/#/experiments?workflowType=machine_learning",
        "MLflow takes some seconds to start.",
        f"MLflow answers at {address} (only from this machine); Ctrl-C ends it.",
    ]
    assert err == ""


def test_another_host_is_open_to_everybody_which_is_said(healthy, capsys, monkeypatch):
    monkeypatch.setattr("socket.gethostname", lambda: "Box")
    monkeypatch.setattr("socket.getfqdn", lambda: "box.lan")
    port = free_port()
    assert main(["ui", "--host", "0.0.0.0", "--port", str(port)]) == 0
    out, err = capsys.readouterr()
    ((_, _, host, names),) = healthy
    assert host == "0.0.0.0"
    assert {f"{name}:{port}" for name in ("box", "box.lan", "localhost", "127.0.0.1")} <= set(names)
    assert f"MLflow answers at http://{names[0]} (also as {', '.join(names[1:])}); Ctrl-C ends it.\n" in out
    assert err == (
        "warning: --host 0.0.0.0: everybody who can reach this machine can read and change the runs, "
        "since MLflow has no accounts by default\n"
    )


def test_an_address_with_colons_stands_in_brackets(healthy, capsys):
    try:
        port = socket.create_server(("::1", 0), family=socket.AF_INET6).getsockname()[1]
    except OSError:
        pytest.skip("no IPv6 here")
    assert main(["ui", "--host", "::1", "--port", str(port)]) == 0
    assert f"MLflow answers at http://[::1]:{port} (only from this machine)" in capsys.readouterr().out


def test_the_names_of_one_address_of_this_machine(monkeypatch):
    monkeypatch.setattr("socket.gethostname", lambda: "box")
    monkeypatch.setattr("socket.getfqdn", lambda: "box")
    place = Place("gpu.lan", 5000, ("10.0.0.5",))
    assert not place.is_local
    assert place.names == [f"{name}:5000" for name in ("gpu.lan", "10.0.0.5", "box", "localhost", "127.0.0.1")]


def test_a_star_is_all_addresses_as_the_server_takes_it():
    assert find_place("*", 5000).host == "0.0.0.0"
    assert not find_place("*", 5000).is_local


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2", ""])
def test_what_only_this_machine_reaches(host, healthy, capsys):
    assert main(["ui", "--host", host, "--port", str(free_port())]) == 0
    assert healthy[0][3] == ()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("256.1.1.1", "expected a name or an address of this machine, as 0.0.0.0 for all of them, got '256.1.1.1'"),
        ("a..b", "got 'a..b' (no name of a machine)"),
        ("a\nb", "got 'a\\nb'"),
        ("192.0.2.77", "192.0.2.77 is no address of this machine"),
    ],
)
def test_a_host_that_cannot_be_is_one_line(host, why, server, capsys):
    server("raise SystemExit('started')")
    assert main(["ui", "--host", host, "--port", str(free_port())]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("convtune: --host: ")
    assert why in err
    assert err.count("\n") == 1


def test_who_is_late_at_a_port_is_told(server, capsys, monkeypatch):
    """Two that begin at once both find the port free; MLflow's second server then ends with code 0."""
    port = free_port()
    server("pass")
    with socket.socket() as late:
        late.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)

        def take(paths, named):
            late.bind(("127.0.0.1", port))
            late.listen()

        monkeypatch.setattr("pipeline.cli.ui._pages_of", take)  # once the port has been found free
        assert main(["ui", "--port", str(port)]) == 2
    out, err = capsys.readouterr()
    assert "answers" not in out
    assert err.splitlines()[-1].startswith(f"convtune: --port: cannot listen on 127.0.0.1:{port} (")


def test_another_server_that_answers_is_not_taken_for_ours(server, capsys):
    port = free_port()
    other = subprocess.Popen([sys.executable, "-c", HEALTHY.replace("HOST", "127.0.0.1").replace("PORT", str(port))])
    try:
        while other.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
        place = Place("127.0.0.1", port)
        with pytest.raises(JobError, match="--port: cannot listen"):
            serve([sys.executable, "-c", "import time; time.sleep(2)"], place, lambda: pytest.fail("not ours"))
    finally:
        other.kill()
        other.wait()


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
def test_prints_the_pages_of_a_study(study, logged, healthy, capsys):
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
        "MLflow takes some seconds to start.",
        f"MLflow answers at {address} (only from this machine); Ctrl-C ends it.",
    ]


def test_a_study_that_is_not_in_the_store_is_one_line(begun, server, capsys):
    begun("0123456789abcdef0123456789abcdef")
    server("raise SystemExit('started')")
    assert main(["ui", "mine", "--port", str(free_port())]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("convtune: study mine: not in sqlite:///")
    assert err.count("\n") == 1


def test_without_a_study_the_ui_opens_whatever_is_in_the_store(begun, healthy, capsys):
    begun("")
    assert main(["ui", "--port", str(free_port())]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("all experiments:\n  http://127.0.0.1:")
    assert err.startswith("note: no pages of the latest study: study mine: not in sqlite:///")
    assert err.count("\n") == 1


def test_what_takes_its_time_is_told_while_it_lasts(logged, healthy, monkeypatch, capsys):
    prepare = pipeline.tracking.prepare_pages

    def slow(*args):
        time.sleep(0.1)
        return prepare(*args)

    monkeypatch.setattr("pipeline.console._SLOW", 0.01)
    monkeypatch.setattr(pipeline.tracking, "prepare_pages", slow)
    assert main(["ui", "--port", str(free_port())]) == 0
    assert capsys.readouterr().err == "preparing the pages in MLflow ...\n"


@pytest.mark.parametrize(
    ("desktop", "flags", "opened"),
    [(True, [], True), (True, ["--no-open"], False), (False, [], False)],
)
def test_a_desktop_gets_the_first_page_once_the_server_answers(
    desktop, flags, opened, logged, healthy, monkeypatch, capsys
):
    port, pages = free_port(), []
    monkeypatch.setattr("webbrowser.open", pages.append)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("DISPLAY", ":0" if desktop else "")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert main(["ui", "mine", "--port", str(port), *flags]) == 0
    first = capsys.readouterr().out.splitlines()[1].strip()
    assert pages == ([first] if opened else [])


def test_a_server_elsewhere_needs_none_of_ours(here, server, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://me:secret@mlflow.example:5000")
    monkeypatch.setattr(pipeline.tracking, "ask_store", lambda: "it answers")
    requests = server("raise SystemExit('started')")
    assert main(["ui"]) == 0
    address = "https://mlflow.example:5000/#/experiments?workflowType=machine_learning"
    assert (capsys.readouterr().out, requests) == (f"all experiments:\n  {address}\n", [])
    assert main(["ui", "--host", "0.0.0.0", "--port", "5000"]) == 0
    assert capsys.readouterr().err == "note: --host and --port ignored: the runs are on https://mlflow.example:5000\n"


def test_a_server_elsewhere_that_does_not_answer_is_one_line(here, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:secret@127.0.0.1:{free_port()}")
    assert main(["ui"]) == 2
    out, err = capsys.readouterr()
    (line,) = [line for line in err.splitlines() if not line.endswith(" ...")]
    assert (out, "Connection refused; start the server" in line, "secret" in line) == ("", True, False)


def test_a_server_elsewhere_that_knows_no_password_of_ours_is_opened(here, monkeypatch, capsys):
    def refuse():
        raise StoreAwayError("https://mlflow.example: error code 401", passes=False)

    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://mlflow.example")
    monkeypatch.setattr(pipeline.tracking, "ask_store", refuse)
    assert main(["ui"]) == 0
    out, err = capsys.readouterr()
    assert "https://mlflow.example/#/experiments" in out
    assert err == "warning: https://mlflow.example: error code 401\n"


def test_the_address_stands_before_the_server_begins(server, capfd):
    server("import sys; sys.exit(3)")
    assert main(["ui", "--port", str(free_port())]) == 2
    out, err = capfd.readouterr()
    assert out.startswith("all experiments:\n  http://127.0.0.1:")
    assert err == "convtune: MLflow's server ended with exit code 3: it printed nothing\n"


def test_the_last_words_of_a_server_show_no_password():
    code = "import sys; sys.exit('no answer from postgresql://me:hush@db/runs')"
    with pytest.raises(TrackingError, match=r"no answer from postgresql://db/runs$"):
        serve([sys.executable, "-c", code], Place("127.0.0.1", free_port()), lambda: None)


def test_the_address_of_a_database_is_no_word_of_a_command(server, monkeypatch, capsys):
    """Everybody on the machine can read the words of its commands, in a list of processes."""
    monkeypatch.setattr("pipeline.cli.ui._pages_of", lambda paths, named: None)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://me:hush@db/runs")
    begun = []
    monkeypatch.setattr("pipeline.cli.ui.serve", lambda *all_of_it: begun.append(all_of_it))
    assert main(["ui", "--port", str(free_port())]) == 0
    ((command, _, _, environment),) = begun
    assert "hush" not in str(command)
    assert environment == {"MLFLOW_BACKEND_STORE_URI": "postgresql://me:hush@db/runs"}
    assert "hush" not in "".join(capsys.readouterr())


def test_a_server_that_fails_is_quoted_in_one_line():
    code = "import sys; print('first'); print('no such table: runs', file=sys.stderr); sys.exit(1)"
    with pytest.raises(TrackingError, match=r"exit code 1: (first|no such table: runs)$"):
        serve([sys.executable, "-uc", code], Place("127.0.0.1", free_port()), lambda: pytest.fail("it is not ready"))


def test_a_busy_port_is_refused_before_anything_starts(server, busy_port, capsys):
    server("raise SystemExit('started')")
    assert main(["ui", "--port", str(busy_port)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert f"127.0.0.1:{busy_port}" in err
    assert err.count("\n") == 1


def test_a_port_that_is_busy_on_every_address_is_refused():
    with socket.create_server(("0.0.0.0", 0)) as listening, pytest.raises(JobError, match="--port"):
        check_free(Place("127.0.0.1", listening.getsockname()[1]))


def test_a_port_that_was_just_left_is_free():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        accepted, _ = listening.accept()
        accepted.close()  # the side that closes first keeps the port in TIME_WAIT
        client.close()
    check_free(find_place("127.0.0.1", port))


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
    place = Place("127.0.0.1", free_port())
    imports = "from pipeline.cli.ui_server import serve; from pipeline.cli.ui_place import Place"
    code = f"{imports}; serve({command!r}, {place!r}, print); print('over')"
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
