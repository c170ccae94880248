"""Runs one study of convtune and watches its folder, as someone with a stopwatch would."""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.study.paths import StudyPaths

ROOT = Path(__file__).resolve().parents[2]

SPACES = {"convtune-same": "peers_space.yaml", "convtune-plain": "plain"}
"""The space that each contender searches: the peers' own, or convtune's with its recipe."""

_LOOK_EVERY = 0.2
"""Seconds between two looks at the folder."""


def command(name: str, seed: int, seconds: float, epochs: int) -> list[str]:
    """The arguments of ``convtune`` in a folder that holds subset.npz and peers_space.yaml."""
    flags = f"--data subset.npz --space {SPACES[name]} --epochs {epochs} --image-size 32 --seed {seed} --study study"
    return ["tune", *flags.split(), "--time", f"{seconds:.0f}s", "--quiet"]


def run(name: str, seed: int, seconds: float, epochs: int, folder: Path) -> dict[str, Any]:
    """The outcome, in the form of ``peer.py``, of a study that is run in a copy of ``folder``.

    Epochs that end too late do not count.
    ``--time`` begins with the search, so how long it takes to begin is measured first, by a study that ends there. The
    cache of images and of the machine's rate is new, and so is MLflow's store: making them takes of the time.
    """
    with studying(command(name, seed, seconds, epochs), folder) as rehearsal:
        rehearsal.wait(until_search=True)
    arguments = command(name, seed, max(1.0, seconds - rehearsal.watch.search_began), epochs)
    with studying(arguments, folder) as study:
        study.wait()
        return {**study.outcome(name, seconds), "command": f"convtune {' '.join(arguments)}"}


@contextmanager
def studying(arguments: list[str], folder: Path) -> Iterator["Study"]:
    """A study that runs in a copy of ``folder`` while the block runs, and is ended with it."""
    with tempfile.TemporaryDirectory() as temporary:
        here = Path(temporary, "here")
        shutil.copytree(folder, here)
        environment = os.environ | {"PYTHONPATH": str(ROOT), "CONVTUNE_CACHE": str(here / "cache")}
        script = [sys.executable, "-m", "pipeline", *arguments]
        with (here / "log").open("w") as log:
            began = time.time()
            process = subprocess.Popen(script, cwd=here, env=environment, stdout=log, stderr=log)
        try:
            yield Study(here, process, Watch(here / "studies" / "study", began))
        finally:
            process.terminate()
            process.wait()


class Study:
    """A study in a folder, and its process."""

    def __init__(self, folder: Path, process: "subprocess.Popen[bytes]", watch: "Watch") -> None:
        self._folder, self._process, self.watch = folder, process, watch
        self._paths = StudyPaths(folder / "studies" / "study")

    def wait(self, until_search: bool = False) -> None:
        """Watches until the process ends, or until its search begins."""
        while self._process.poll() is None and not (until_search and self.watch.search_began):
            self.watch.look()
            time.sleep(_LOOK_EVERY)
        self.watch.look()

    def outcome(self, name: str, seconds: float) -> dict[str, Any]:
        """The outcome of a study that has ended; SystemExit with the end of its output if it has no model."""
        if not self._paths.evaluation.is_file():
            output = (self._folder / "log").read_text()
            raise SystemExit(f"{name}: no model (exit code {self._process.returncode}):\n{output[-2000:]}")
        best = json.loads(self._paths.evaluation.read_text())["best_model"]
        in_time = [point for point in self.watch.epochs if point[0] <= seconds]
        return {
            "curve": improvements(in_time),
            "search_began": round(self.watch.search_began, 1),
            "search_seconds": round(self._paths.table.stat().st_mtime - self.watch.began, 1),
            "process_seconds": round(time.time() - self.watch.began, 1),
            "trials": len(list((self._paths.path / "trials").iterdir())),
            "epochs": len(in_time),
            "test": best["test_scores"]["accuracy"],
            "best_model_val": best["score"],
        }


class Watch:
    """When the trials of a study end their epochs: seconds since ``began`` (Unix time), and validation accuracy."""

    def __init__(self, study: Path, began: float) -> None:
        self._trials, self.began = study / "trials", began
        self._rows: dict[Path, int] = {}
        self.epochs: list[tuple[float, float]] = []
        self.search_began = 0.0

    def look(self) -> None:
        """Adds the rows that are new in the trials' histories. The time is that of the file's last change."""
        if not self.search_began and self._trials.is_dir():
            self.search_began = time.time() - self.began
        for path in sorted(self._trials.glob("*/history.csv")):
            changed, content = path.stat().st_mtime, path.read_text()
            complete = content[: content.rfind("\n") + 1]
            rows = list(csv.DictReader(io.StringIO(complete)))
            for row in rows[self._rows.get(path, 0) :]:
                self.epochs.append((round(changed - self.began, 2), float(row["val_accuracy"])))
            self._rows[path] = len(rows)


def improvements(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The points in order of time that are above all before them.

    >>> improvements([(1.0, 0.3), (3.0, 0.4), (2.0, 0.3)])
    [(1.0, 0.3), (3.0, 0.4)]
    """
    curve: list[tuple[float, float]] = []
    for seconds, value in sorted(points):
        if not curve or value > curve[-1][1]:
            curve.append((seconds, value))
    return curve
