"""Measures how long a user waits: for the help text, and from the worker's import of Keras to its first trial.

python bench/startup.py [--rounds 5]
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import machine


def main() -> None:
    """Parses the arguments, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    print(machine())
    help_times = [seconds([sys.executable, "-m", "pipeline", "--help"]) for _ in range(rounds)]
    print(f"convtune --help: median {statistics.median(help_times):.2f} s, worst {max(help_times):.2f} s")
    waits = [wait_after_keras() for _ in range(rounds)]
    print(
        f"training begins after the worker's Keras import: median {statistics.median(waits):.2f} s, "
        f"worst {max(waits):.2f} s"
    )


def seconds(command: list[str]) -> float:
    """The wall time of a command."""
    began = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=Path(__file__).parent.parent)
    return time.monotonic() - began


def wait_after_keras() -> float:
    """Seconds from the end of the import to the first trial, for a study in a folder with MLflow's store."""
    flags = ["--data", "mnist5k", "--space", "quick", "--search", "random", "--trials", "1", "--epochs", "1", "-q"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
    with tempfile.TemporaryDirectory() as folder:
        for study in ("first", "second"):
            command = [sys.executable, "-m", "pipeline", "tune", *flags, "--study", study]
            subprocess.run(command, check=True, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
        log = Path(folder, "studies", "second", "worker.log").read_text()
    ready, began = (float(re.search(rf"^(\d+\.\d+) {what}$", log, re.MULTILINE)[1]) for what in ("ready", "begin 0"))
    return began - ready


if __name__ == "__main__":
    main()
