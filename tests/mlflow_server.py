"""A real MLflow server on a free port of this machine, which can die and come back at the same address."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from mlflow import MlflowClient
from mlflow.entities import Run

ROOT = Path(__file__).resolve().parents[1]


class MlflowServer:
    """A server on an SQLite file in ``folder``, or on the database ``store``. It does not run yet.

    It hands out artifacts itself, which it keeps in ``folder`` too. ``starter`` is the program that starts it.
    """

    def __init__(self, folder: Path, store: str = "", starter: str = "tests.mlflow_app") -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.folder, self._server = folder, 0
        self.address = f"http://127.0.0.1:{port}"
        environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        # not an argument, which everybody can read
        environment["MLFLOW_BACKEND_STORE_URI"] = store or f"sqlite:///{folder}/mlflow.db"
        command = [sys.executable, "-Wignore", "-m", starter, str(port), str(folder)]
        pipe = subprocess.PIPE
        self._starter = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, text=True, bufsize=1, start_new_session=True
        )

    def start(self) -> None:
        """Starts it, and waits until it answers: some seconds for the first time."""
        self._starter.stdin.write("start\n")
        self._server = int(self._starter.stdout.readline())
        until = time.monotonic() + 120
        while not self._answers():
            assert psutil.pid_exists(self._server), (self.folder / "server.log").read_text()
            assert time.monotonic() < until, "it does not answer"
            time.sleep(0.1)

    def stop(self) -> None:
        """Ends it, if it runs."""
        if self._server:
            self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Ends it at once, in the middle of whatever it does."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        os.kill(self._server, how)
        assert self._starter.stdout.readline() == "ended\n"
        self._server = 0

    def close(self) -> None:
        """Ends it for good."""
        self.stop()
        self._starter.communicate(timeout=60)

    @contextmanager
    def refusing_files(self) -> Iterator[None]:
        """Within the block its folder of artifacts is none, so that it answers and takes no files."""
        folder, aside = self.folder / "artifacts", self.folder / "aside"
        folder.mkdir(exist_ok=True)
        folder.rename(aside)
        folder.write_text("no folder")
        try:
            yield
        finally:
            folder.unlink()
            aside.rename(folder)

    def _answers(self) -> bool:
        try:
            return urllib.request.urlopen(f"{self.address}/health", timeout=5).status == 200
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return False

    def studies(self) -> list[Run]:
        """The runs of studies, whatever their state."""
        return [run for run in self._runs() if "mlflow.parentRunId" not in run.data.tags]

    def trials(self, study: str) -> list[Run]:
        """The live runs below a study's, by number."""
        runs = [run for run in self._runs() if run.data.tags.get("mlflow.parentRunId") == study]
        return sorted(runs, key=lambda run: int(run.data.tags["number"]))

    def _runs(self) -> list[Run]:
        client = MlflowClient(self.address)
        experiment = client.get_experiment_by_name("convtune")
        return list(client.search_runs([experiment.experiment_id], max_results=5000)) if experiment else []
