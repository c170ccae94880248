"""``convtune ui``: MLflow's own UI on the store that studies are written to."""

import argparse
import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress

from pipeline.cli.types import whole_number
from pipeline.errors import JobError, TrackingError
from pipeline.signals import ENDING, interruptible

HELP = "open MLflow's UI on the studies (only on this machine)"

EXAMPLES = ("convtune ui", "convtune ui --port 5001")

HOST = "127.0.0.1"
"""The UI has no password, so it is not offered to the network."""

_PORT = 5000

_GRACE_SECONDS = 10
"""How long MLflow has to end its processes; it takes about one second."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """The port."""
    parser.add_argument(
        "--port", metavar="N", type=_parse_port, default=_PORT, help=f"port on {HOST} (default: {_PORT})"
    )


def _parse_port(text: str) -> int:
    port = whole_number(1, 65535)(text)
    if port is None:
        raise argparse.ArgumentTypeError("expected a whole number from 1 to 65535, got ''")
    return port


def run(args: argparse.Namespace) -> int:
    """Serves the UI until Ctrl-C, which is the normal way to end it: exit code 0."""
    from pipeline.tracking import ui_command

    command = ui_command(None, args.port)
    check_free(args.port)
    print(f"MLflow UI: http://{HOST}:{args.port} (it takes some seconds to start; Ctrl-C ends it)", flush=True)
    serve(command)
    return 0


def check_free(port: int) -> None:
    """Raises JobError when this process may not listen on ``port``, or another process does."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT counts as free
        try:
            probe.bind((HOST, port))
        except OSError as error:
            address = f"{HOST}:{port} ({error.strerror or error})"
            raise JobError(f"--port: cannot listen on {address}; choose another, as in --port 5001") from None


def serve(command: Sequence[str]) -> None:
    """Runs a server until it ends or this process is asked to end; none of its processes outlives the call.

    Raises TrackingError with the last line that the server printed, when it ends by itself with an error.
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
            last_line = next((line.strip() for line in reversed(lines) if line.strip()), "it printed nothing")
            raise TrackingError(f"MLflow's server ended with exit code {code}: {last_line}")


def _end(server: subprocess.Popen[bytes]) -> None:
    """Asks the processes of a server to end, and kills those that are left."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(server.pid, number)
        with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            server.wait(_GRACE_SECONDS)
