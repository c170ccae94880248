"""MLflow's server as a child process: started, waited for, and ended with all of its own processes."""

import http.client
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import IO

from pipeline.cli.ui_place import LOCAL, Place, check_free, is_ours
from pipeline.errors import TrackingError, without_password
from pipeline.signals import ENDING, interruptible

_GRACE_SECONDS = 10
"""How long MLflow has to end its processes; it takes about one second."""

_LOOK_SECONDS = 0.3
"""The time between two looks whether a server answers; MLflow's takes 5 to 15 s."""


def serve(
    command: Sequence[str],
    place: Place,
    ready: Callable[[], None],
    environment: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Runs a server until this process is asked to end; none of its processes outlives the call.

    Calls ``ready`` once the server answers. Raises JobError when another one has taken its ``place``, and otherwise
    TrackingError with the last line that it printed, when the server ends by itself.
    """
    with tempfile.TemporaryFile() as log, interruptible(*ENDING):
        # The server gets its own process group: Ctrl-C reaches this process alone, which then ends the group in order.
        # Without job execution MLflow starts eight fewer processes of 240 MB each (seen with 3.17).
        server = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            process_group=0,
            env={"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", **os.environ, **environment},
        )
        try:
            if _wait_until_ready(server, place):
                ready()
            code = server.wait()
        except KeyboardInterrupt:
            return
        finally:
            _end(server)
        check_free(place)  # MLflow ends with code 0 where another one listens
        raise TrackingError(f"MLflow's server ended with exit code {code}: {without_password(_last_line(log))}")


def _wait_until_ready(server: subprocess.Popen[bytes], place: Place) -> bool:
    """Waits until the server answers, or has ended: False. Another one in its place is not taken for it."""
    while server.poll() is None:
        if _answers(place) and is_ours(server.pid, place):
            return True
        time.sleep(_LOOK_SECONDS)
    return False


def _answers(place: Place) -> bool:
    """Whether there is a page ``/health``. Asked directly: a proxy of the environment would not reach this machine."""
    own = {"0.0.0.0": LOCAL, "::": "::1"}
    with suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPConnection(own.get(place.host, place.host), place.port, timeout=5)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        finally:
            connection.close()
    return False


def _last_line(log: IO[bytes]) -> str:
    log.seek(0)
    lines = log.read().decode(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it printed nothing")


def _end(server: subprocess.Popen[bytes]) -> None:
    """Asks the processes of a server to end, and kills those that are left."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(server.pid, number)
        with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            server.wait(_GRACE_SECONDS)
