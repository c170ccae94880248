"""``convtune ui``: MLflow's own UI on the store that studies are written to, opened at a study's trials."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from pipeline.cli.types import flag_type, whole_number
from pipeline.cli.ui_place import LOCAL, Place, check_free, find_place
from pipeline.cli.ui_server import serve
from pipeline.errors import StoreAwayError, StudyError, TrackingError

if TYPE_CHECKING:
    from pipeline.study.paths import StudyPaths
    from pipeline.tracking import Pages

HELP = "open MLflow's UI at a study's trials (only on this machine, unless told otherwise)"

EXAMPLES = ("convtune ui mine", "convtune ui mine --port 5001 --no-open")

_PORT = 5000


def arguments(parser: argparse.ArgumentParser) -> None:
    """The study, the place to listen, and whether a browser is opened."""
    parser.add_argument(
        "study", metavar="STUDY", nargs="?", help="name or path of a study (default: the latest one of this folder)"
    )
    parser.add_argument(
        "--host",
        metavar="HOST",
        type=flag_type(str),
        help=f"address or name to listen on, as 0.0.0.0 for all of this machine; everybody who reaches it can read and "
        f"change the runs (default: {LOCAL}, only this machine)",
    )
    parser.add_argument("--port", metavar="N", type=_parse_port, help=f"port (default: {_PORT})")
    parser.add_argument("--no-open", action="store_true", help="print the addresses, but open no browser")


def _parse_port(text: str) -> int:
    port = whole_number(1, 65535)(text)
    if port is None:
        raise argparse.ArgumentTypeError("expected a whole number from 1 to 65535, got ''")
    return port


def run(args: argparse.Namespace) -> int:
    """Serves the UI until Ctrl-C, which is the only way to end it without an error: exit code 0.

    Where a server keeps the runs, it prints the addresses there and is done.
    """
    from pipeline.console import note, status
    from pipeline.study.paths import find, latest

    paths = latest() if args.study is None else find(args.study)
    with status("preparing the pages in MLflow"):
        from pipeline.tracking import server_address  # seconds, since it imports MLflow

        server = server_address(None)
        if server is not None:
            _check_answers()
        place = find_place(args.host or LOCAL, args.port or _PORT)
        command = _command(place) if server is None else []
        pages = _pages_of(paths, args.study)
    page = _print_pages(server or place.page, pages)
    open_page = partial(_open, page if not args.no_open and _is_desktop() else None)
    if server is None:
        return _serve(command, place, open_page)
    if unused := [flag for flag, value in (("--host", args.host), ("--port", args.port)) if value]:
        note(f"note: {' and '.join(unused)} ignored: the runs are on {server}")
    open_page()
    return 0


def _check_answers() -> None:
    """TrackingError if the server elsewhere does not answer; a warning if it refuses us, since a browser may log in."""
    from pipeline.console import warn
    from pipeline.tracking import ask_store

    try:
        ask_store()
    except StoreAwayError as error:
        if error.passes:
            raise
        warn(str(error))


def _command(place: Place) -> list[str]:
    """The command that starts MLflow's server at the place, which is free."""
    from pipeline.tracking import ui_command

    command = ui_command(None, place.port, place.host, () if place.is_local else place.names)
    check_free(place)
    return command


def _serve(command: Sequence[str], place: Place, open_page: Callable[[], None]) -> int:
    """Runs MLflow's server until Ctrl-C, and says who reaches it and when it answers."""
    from pipeline.console import warn
    from pipeline.tracking import ui_environment

    if not place.is_local:
        why = "MLflow has no accounts by default"
        warn(f"--host {place.host}: everybody who can reach this machine can read and change the runs, since {why}")

    def ready() -> None:
        reach = "only from this machine" if place.is_local else f"also as {', '.join(place.names[1:])}"
        print(f"MLflow answers at {place.page} ({reach}); Ctrl-C ends it.", flush=True)
        open_page()

    print("MLflow takes some seconds to start.", flush=True)
    serve(command, place, ready, ui_environment(None))
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


def _open(page: str | None) -> None:
    import webbrowser  # imported late: 40 ms of --help

    if page is not None:
        webbrowser.open(page)
