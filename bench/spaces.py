"""Runs the command at the top of each shipped space, and shows or writes its minutes and its scores.

    python bench/spaces.py [NAME ...] [--write]

NAMEs are spaces, all by default. The commands run in one folder, which has MLflow's store from the start. ``--write``
puts the figures into the headers in search_spaces/. All together take about 12 minutes on two cores.
"""

import argparse
import json
import os
import platform
import re
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import machine, processor

ROOT = Path(__file__).resolve().parent.parent
SPACES = ROOT / "search_spaces"


def main() -> None:
    """Parses the arguments, runs the commands, prints or writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="spaces (all)")
    parser.add_argument("--write", action="store_true", help="write the figures into the spaces' headers")
    args = parser.parse_args()
    print(machine(), flush=True)
    names = args.names or sorted(file.stem for file in SPACES.glob("*.yaml"))
    with tempfile.TemporaryDirectory() as folder:
        run("tune --data mnist5k --space quick --limit macs=1M --trials 1 --epochs 1 --study store", Path(folder))
        for name in names:
            file = SPACES / f"{name}.yaml"
            text = file.read_text(encoding="utf-8")
            figures = measure(text, name, Path(folder))
            print(f"{name:10} {figures[0]} minutes, {figures[1]}", flush=True)
            if args.write:
                file.write_text(with_figures(text, *figures), encoding="utf-8")


def measure(text: str, name: str, folder: Path) -> tuple[str, str]:
    """The minutes that the command of a space takes, and the scores of the best model, as the header has them."""
    command = re.findall(r"^# command: +convtune (.+)$", text, re.MULTILINE)[0]
    began = time.perf_counter()
    run(f"{command} --study {name}", folder)
    minutes = (time.perf_counter() - began) / 60
    best = json.loads((folder / "studies" / name / "test.json").read_text())["best_model"]
    test = best["test_scores"][best["metric"]]
    return f"{minutes:.1f}", f"test {best['metric']} {test:.4f}, validation {best['score']:.4f} (one run)"


def run(command: str, folder: Path) -> None:
    """Runs a command of convtune; SystemExit with the end of its output if it fails."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", "pipeline", *shlex.split(command)]
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"convtune {command}: exit code {done.returncode}\n{done.stderr[-2000:]}")


def with_figures(text: str, minutes: str, scores: str) -> str:
    """The space's file with these figures; what its header says after the seed stays."""
    where = f"{minutes} on {os.cpu_count()} cores ({processor()}), Python {platform.python_version()}, seed 0"
    text = re.sub(r"^(# minutes: +)\d.*?seed 0", rf"\g<1>{where}", text, count=1, flags=re.MULTILINE)
    return re.sub(r"^(# score: +)\S.*$", rf"\g<1>{scores}", text, count=1, flags=re.MULTILINE)


if __name__ == "__main__":
    main()
