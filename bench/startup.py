"""Measures how long a user waits: for the help text, for the first trial, and for all of a study beside its trials.

    python bench/startup.py [--rounds 5] [--keep]

The study has one worker and three trials of two epochs on mnist5k, in a folder with MLflow's store, and Python keeps
the compiled modules, as it does of installed packages. Prints the seconds from the end of the worker's Keras import to
its first trial, and those of the whole process less the trials' own. ``--keep`` writes bench/results/startup.json.
"""

import argparse
import csv
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import keep, machine


def main() -> None:
    """Parses the arguments, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep", action="store_true", help="write results/startup.json")
    args = parser.parse_args()
    rounds = args.rounds
    print(machine())
    help_times = [seconds([sys.executable, "-m", "pipeline", "--help"]) for _ in range(rounds)]
    with tempfile.TemporaryDirectory() as folder:
        run_study(Path(folder), "first")  # makes MLflow's store
        waits, besides = zip(*(run_study(Path(folder), f"study{number}") for number in range(rounds)), strict=True)
    figures = {}
    for name, times in (
        ("convtune --help", help_times),
        ("training begins after the worker's Keras import", waits),
        ("convtune tune beside its trials", besides),
    ):
        figures[name] = {"median": statistics.median(times), "worst": max(times)}
        print(f"{name}: median {statistics.median(times):.2f} s, worst {max(times):.2f} s")
    if args.keep:
        keep({"seconds": figures})


def seconds(command: list[str]) -> float:
    """The wall time of a command."""
    began = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=Path(__file__).parent.parent)
    return time.monotonic() - began


def run_study(folder: Path, study: str) -> tuple[float, float]:
    """Runs a study; seconds from the end of the import to the first trial, and of all that is no trial."""
    flags = ["--data", "mnist5k", "--space", "quick", "--search", "random", "--trials", "3", "--epochs", "2", "-q"]
    command = [sys.executable, "-m", "pipeline", "tune", *flags, "--pruner", "none", "--workers", "1", "--study", study]
    root, compiled = Path(__file__).resolve().parent.parent, folder / "compiled"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"PYTHONPATH": str(root), "PYTHONPYCACHEPREFIX": str(compiled)}
    began = time.monotonic()
    subprocess.run(command, check=True, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    whole = time.monotonic() - began
    log = Path(folder, "studies", study, "worker.log").read_text()
    ready, first = (float(re.search(rf"^(\d+\.\d+) {what}$", log, re.MULTILINE)[1]) for what in ("ready", "begin 0"))
    with Path(folder, "studies", study, "trials.csv").open(newline="") as rows:
        trained = sum(float(row["seconds"]) for row in csv.DictReader(rows))
    return first - ready, whole - trained


if __name__ == "__main__":
    main()
