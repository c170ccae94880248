"""``convtune ui``: MLflow's own UI on the store that studies are written to, opened at a study's trials."""

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from pipeline.cli.types import whole_number
from pipeline.errors import JobError, StudyError, TrackingError
from pipeline.signals import ENDING, interruptible

if TYPE_CHECKING:
    from pipeline.study.paths import StudyPaths
    from pipeline.tracking import Pages

HELP = "open MLflow's UI at a study's trials (only on this machine)"

EXAMPLES = ("convtune ui mine", "convtune ui mine --port 5001 --no-open")

HOST = "127.0.0.1"
"""The UI has no password, so it is not offered to the network."""

_PORT = 5000

_GRACE_SECONDS = 10
"""How long MLflow has to end its processes; it takes about one second."""

_START_SECONDS = 120
"""How long MLflow's server may take to answer before no browser is opened; it takes 5 to 15 s."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """The study, the port, and whether a browser is opened."""
    parser.add_argument(
        "study", metavar="STUDY", nargs="?", help="name or path of a study (default: the latest one of this folder)"
    )
    parser.add_argument(
        "--port", metavar="N", type=_parse_port, default=_PORT, help=f"port on {HOST} (default: {_PORT})"
    )
    parser.add_argument("--no-open", action="store_true", help="print the addresses, but open no browser")


def _parse_port(text: str) -> int:
    port = whole_number(1, 65535)(text)
    if port is None:
        raise argparse.ArgumentTypeError("expected a whole number from 1 to 65535, got ''")
    return port


def run(args: argparse.Namespace) -> int:
    """Serves the UI until Ctrl-C, which is the normal way to end it: exit code 0.

    Where a server keeps the runs, it prints the addresses there and is done.
    """
    from pipeline.console import status
    from pipeline.study.paths import find, latest

    paths = latest() if args.study is None else find(args.study)
    opens = not args.no_open and _is_desktop()
    with status("preparing the pages in MLflow"):
        from pipeline.tracking import server_address, ui_command  # seconds, since it imports MLflow

        server = server_address(None)
        command = ui_command(None, args.port) if server is None else []
        if server is None:
            check_free(args.port)
        pages = _pages_of(paths, args.study)
    address = server or f"http://{HOST}:{args.port}"
    page = _print_pages(address, pages)
    if server is not None:
        if opens:
            _open(page)
        return 0
    print("MLflow takes some seconds to start; Ctrl-C ends it.", flush=True)
    if opens:
        threading.Thread(target=_open_when_ready, args=(address, page), daemon=True).start()
    serve(command)
    return 0


def _pages_of(paths: "StudyPaths | None", named: str | None) -> "tuple[str, Pages] | None":
    """The study's name and pages. None without a study, or if one that was not ``named`` has none, which is told."""
    from pipeline.console import note
    from pipeline.metrics import DEFAULT_METRIC, METRICS
    from pipeline.search.importance import read_importances
    from pipeline.study.fingerprint import read_fingerprint
    from pipeline.tracking import prepare_pages

    if paths is None:
        return None
    try:
        fingerprint = read_fingerprint(paths)
        metric = METRICS.get(fingerprint.metric, DEFAULT_METRIC)
        return paths.name, prepare_pages(fingerprint.run, paths.name, metric, read_importances(paths))
    except (StudyError, TrackingError) as error:
        if named is not None:
            raise
        note(f"note: no pages of the latest study: {error}")
        return None


def _print_pages(address: str, study: "tuple[str, Pages] | None") -> str:
    """Prints the addresses, and returns the first one, which is to be opened.

    The address of the server alone is none of them: it opens MLflow's pages for language models.
    """
    from pipeline.tracking import EXPERIMENTS

    shown = {"all experiments": EXPERIMENTS}
    if study is not None:
        name, pages = study
        of_study = {"trials by score": pages.trials, "charts": pages.charts, "the study": pages.study}
        shown = {f"{name}, {what}": page for what, page in of_study.items()}
    for what, page in shown.items():
        print(f"{what}:\n  {address}{page}", flush=True)
    return address + next(iter(shown.values()))


def _is_desktop() -> bool:
    """Whether somebody sits before a screen: a browser in a terminal or on another machine would be no help."""
    screen = sys.platform in ("darwin", "win32") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return sys.stdout.isatty() and bool(screen)


def _open(page: str) -> None:
    import webbrowser

    webbrowser.open(page)


def _open_when_ready(address: str, page: str) -> None:
    """Opens the page once the server answers."""
    import urllib.request  # imported late, as webbrowser: 40 ms of --help

    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        with suppress(OSError), urllib.request.urlopen(f"{address}/health", timeout=5):
            _open(page)
            return
        time.sleep(0.3)


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
