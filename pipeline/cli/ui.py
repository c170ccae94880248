"""``convtune ui``: MLflow's own UI on the store that studies go to."""

import argparse
import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress

from pipeline.errors import JobError, TrackingError
from pipeline.signals import ENDING, interruptible

HELP = "open MLflow's UI on the studies (this machine only)"
HOST = "127.0.0.1"
"""The UI has no password, so it is not for the network."""
_GRACE = 10
"""Seconds that MLflow gets to end its processes; it takes about one."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """The port."""
    parser.add_argument("--port", metavar="N", default="5000", help=f"port on {HOST} (default 5000)")


def run(args: argparse.Namespace) -> int:
    """Serves the UI until Ctrl-C, which is how it is meant to end: exit code 0."""
    from pipeline.tracking import ui_command

    port = _port(args.port)
    command = ui_command(None, port)
    check_free(port)
    print(f"MLflow UI: http://{HOST}:{port} (it takes some seconds to start; Ctrl-C ends it)", flush=True)
    serve(command)
    return 0


def check_free(port: int) -> None:
    """Raises JobError when this process may not listen on ``port``, or something else does."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port that was just left is free
        try:
            probe.bind((HOST, port))
        except OSError as error:
            place = f"{HOST}:{port} ({error.strerror or error})"
            raise JobError(f"--port: cannot listen on {place}; choose another, as in --port 5001") from None


def serve(command: Sequence[str]) -> None:
    """Runs a server until it ends or this process is asked to end; none of its processes outlives the call.

    TrackingError with the last line that it printed when it ends by itself with an error.
    """
    with tempfile.TemporaryFile() as log, interruptible(*ENDING):
        # A group of its own: Ctrl-C on the terminal comes to this process alone, which ends the group in order.
        # Without job execution MLflow starts eight processes of 240 MB fewer (seen with 3.17).
        server = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            process_group=0,
            env={"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"} | os.environ,
        )
        try:
            code = server.wait()
        except KeyboardInterrupt:
            return
        finally:
            _end(server)
        if code != 0:
            log.seek(0)
            lines = log.read().decode(errors="replace").split("\n")
            last = next((line.strip() for line in reversed(lines) if line.strip()), "it printed nothing")
            raise TrackingError(f"MLflow's server ended with exit code {code}: {last}")


def _end(server: subprocess.Popen[bytes]) -> None:
    """Asks the processes of a server to end, and kills what is left of them."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(server.pid, number)
        with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            server.wait(_GRACE)


def _port(text: str) -> int:
    from pipeline.loading import whole

    port = whole("--port", text, 1)
    if port > 65535:
        raise JobError(f"--port: expected a whole number from 1 to 65535, got {port}")
    return port
