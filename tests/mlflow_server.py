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

from mlflow import MlflowClient
from mlflow.entities import Run


class MlflowServer:
    """A server on an SQLite file in ``folder``, or on the database ``store``. It does not run yet.

    It hands out artifacts itself, which it keeps in ``folder`` too.
    """

    def __init__(self, folder: Path, store: str = "") -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.folder, self._process = folder, None
        self._store = store or f"sqlite:///{folder}/mlflow.db"
        self.address = f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Starts it, and waits until it answers: 5 to 10 seconds."""
        places = ["--serve-artifacts", "--artifacts-destination", str(self.folder / "artifacts")]
        command = [sys.executable, "-m", "mlflow", "server", "--port", str(self._port), "--workers", "1", *places]
        # Without its process for jobs it ends five seconds sooner.
        environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        environment["MLFLOW_BACKEND_STORE_URI"] = self._store  # not an argument, which everybody can read
        with (self.folder / "server.log").open("a") as log:
            self._process = subprocess.Popen(
                command, cwd=self.folder, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        until = time.monotonic() + 120
        while not self._answers():
            assert self._process.poll() is None, (self.folder / "server.log").read_text()
            assert time.monotonic() < until, "it does not answer"
            time.sleep(0.3)

    def stop(self) -> None:
        """Ends it, if it runs."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)
            self._process = None

    def kill(self) -> None:
        """Ends it and all its processes at once, in the middle of whatever they do."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(60)
        self._process = None

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
