"""Feeds broken files to the readers of users' files, and says whether anything but one of our own errors comes.

    python -m bench.fuzz.run [TARGET ...] [--minutes 5] [--seed 0] [--keep]

Targets: ``space``, ``job``, ``images`` (image folders), ``npz``, ``study`` (default: all, each for so many minutes).
Every case starts from a valid file or folder, of which hypothesis changes bytes, words or values. Right is an answer,
or a ConvtuneError; wrong is any other exception, and a case of over 60 s. The first wrong case of a target ends it: it
is made as small as hypothesis can and printed; exit code 1. ``--keep`` writes bench/results/fuzz.json.
"""

import argparse
import os
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from bench.fuzz import images, jobs, npz, spaces, studies
from bench.machine import keep, machine
from pipeline.errors import ConvtuneError

TARGETS = {"space": spaces, "job": jobs, "images": images, "npz": npz, "study": studies}
"""Modules with ``cases(folder)``, a strategy, and ``read(case, folder)``, which gives a word for the answer."""

_PATIENCE = 60
"""Seconds after which a case is taken for a hang."""

_SHOWN = 2000
"""Characters of a wrong case that are printed."""

_BATCH = 50
"""Cases between two looks at the clock."""


class Hang(BaseException):
    """A case took too long. No Exception, so that no reader takes it for a fault of its file."""


def main() -> int:
    """Parses the arguments, runs the targets, prints; 1 if one of them failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", metavar="TARGET", choices=[*TARGETS, []])
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", action="store_true", help="write results/fuzz.json")
    args = parser.parse_args()
    print(machine())
    figures: dict[str, Any] = {}
    for name in args.targets or TARGETS:
        counts, problem = run(name, 60 * args.minutes, args.seed)
        words = ", ".join(f"{count:,} {word}" for word, count in counts.most_common())
        print(f"{name}: {counts.total():,} cases in {args.minutes:g} min: {words}", *problem.splitlines(), sep="\n  ")
        sys.stdout.flush()
        figures[name] = {"cases": counts.total(), "answers": dict(counts), "failures": int(bool(problem))}
    if args.keep:
        keep({"seed": args.seed, "minutes": args.minutes, "targets": figures}, "fuzz.json")
    return int(any(figure["failures"] for figure in figures.values()))


def run(name: str, seconds: float, first_seed: int, batch: int = _BATCH) -> tuple[Counter[str], str]:
    """Runs one target for so long: how often each answer came, and what went wrong ("": nothing)."""
    target, counts = TARGETS[name], Counter[str]()
    with tempfile.TemporaryDirectory() as name_of_folder:
        folder = Path(name_of_folder)
        os.environ["CONVTUNE_CACHE"] = str(folder / "cache")
        strategy = target.cases(folder)
        until, number = time.monotonic() + seconds, first_seed

        def check(case: Any) -> None:
            if time.monotonic() < until:
                counts[_answer(target.read, case, folder)] += 1

        while time.monotonic() < until:
            try:
                seed(number)(_settings(batch)(given(strategy)(check)))()
            except Exception as error:
                return counts, _describe(error)
            except Hang:
                return counts, f"a case took over {_PATIENCE} s"
            number += 1
    return counts, ""


def _settings(cases: int) -> settings:
    return settings(
        max_examples=cases,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )


def _answer(read: Callable[[Any, Path], str], case: Any, folder: Path) -> str:
    """The word for a case: that of the reader, or the class of our error. Hang after ``_PATIENCE`` seconds."""
    signal.signal(signal.SIGALRM, _hang)
    signal.alarm(_PATIENCE)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return read(case, folder)
    except ConvtuneError as error:
        if "\n" in str(error):
            raise AssertionError(f"an error of several lines: {error}") from error
        return type(error).__name__
    finally:
        signal.alarm(0)


def _hang(number: int, frame: FrameType | None) -> None:
    raise Hang


def _describe(error: BaseException) -> str:
    """The error, where it arose, and the case, which hypothesis has noted."""
    if isinstance(error, BaseExceptionGroup):
        return "\n".join(map(_describe, error.exceptions))
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "/pipeline/" in frame.filename] or frames
    places = " > ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in own[-3:])
    notes = " ".join(" ".join(getattr(error, "__notes__", [])).split())
    return f"{type(error).__name__} at {places}: {error}; {notes[:_SHOWN]}"


if __name__ == "__main__":
    sys.exit(main())
