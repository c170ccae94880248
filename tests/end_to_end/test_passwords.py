"""The password in the address of an MLflow server is nowhere to be seen, neither after a study nor after a crash."""

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.end_to_end.conftest import ROOT

pytestmark = pytest.mark.slow

SECRET = "Xk93vQzP7w"
FLAGS = "--data digits --space tiny.yaml --trials 1 --epochs 1 --workers 1 --try blocks=1,filters=4"

CRASH = """
import sys
from pipeline.cli import main
from pipeline.executors import EXECUTORS
from pipeline.tracking import Tracker
from tests.end_to_end.pretend import PRETEND

def bug(tracker, *_):
    raise RuntimeError(f"cannot parse {tracker._uri} or ('{tracker._uri}',)")

Tracker.trial_started = bug
EXECUTORS["inline"] = PRETEND
sys.exit(main(sys.argv[1:]))
"""
"""convtune with a bug in the process that runs the study: the error names the address, as libraries do.

Nothing is trained before it, so no worker is started.
"""


def words_below(process: "subprocess.Popen[bytes]") -> set[str]:
    """The words of all processes that it has while it runs, as everybody on the machine can read them."""
    seen = set()
    while process.poll() is None:
        with contextlib.suppress(psutil.Error):
            parent = psutil.Process(process.pid)
            for one in [parent, *parent.children(recursive=True)]:
                seen.add(" ".join(one.cmdline()))
        time.sleep(0.1)
    return seen


def run(shell, server, *command: str) -> tuple[int, str, set[str]]:
    """A program is given the address with a password: its exit code, its output, the words of its processes."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "MLFLOW_TRACKING_URI": with_password(server)}
    with (shell.folder / "output.txt").open("w+") as output:
        process = subprocess.Popen(
            [sys.executable, *command], cwd=shell.folder, env=environment, stdout=output, stderr=output
        )
        words = words_below(process)
        output.seek(0)
        return process.returncode, output.read(), words


def with_password(server) -> str:
    return str(server.address.replace("//", f"//me:{SECRET}@"))


def files_that_name_it(shell, server) -> list[Path]:
    """Of the study, of its output, and of the server with its database."""
    files = [file for folder in (shell.folder, server.folder) for file in folder.rglob("*") if file.is_file()]
    assert {"job.yaml", "study.json", "output.txt", "server.log", "mlflow.db"} <= {file.name for file in files}
    return [file for file in files if SECRET.encode() in file.read_bytes()]


def test_after_a_study(shell, server):
    code, shown, words = run(shell, server, "-m", "pipeline", "tune", *FLAGS.split(), "--study", "mine")
    assert code == 0, shown
    (study,) = [one for one in server.studies() if one.info.run_name == "mine"]
    assert (study.info.status, len(server.trials(study.info.run_id))) == ("FINISHED", 1)
    assert len(words) > 1, "no worker was seen"
    assert [line for line in words if SECRET in line] == []
    assert files_that_name_it(shell, server) == []


def test_after_a_crash_that_names_the_address(shell, server):
    flags = [*FLAGS.split(), "--executor", "inline", "--study", "crashed"]
    code, shown, words = run(shell, server, "-c", CRASH, "tune", *flags)
    assert code == 1, shown
    assert "RuntimeError: cannot parse http://127.0.0.1:" in shown
    assert "in bug\n" in shown, "the traceback is kept"
    (study,) = [one for one in server.studies() if one.info.run_name == "crashed"]
    assert study.info.status == "FAILED"
    assert [line for line in words if SECRET in line] == []
    assert files_that_name_it(shell, server) == []
