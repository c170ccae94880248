"""The file with the runs: a JSON list, one run per line, to which each run is added when it ends."""

import json
from pathlib import Path
from typing import Any

from pipeline.files import write_text

KEY = ("contender", "seed", "seconds", "images", "epochs_at_most")
"""The fields that tell runs apart: the file has one run of each combination."""


def read_runs(file: Path) -> list[dict[str, Any]]:
    """The runs in the file; none if there is no file."""
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []


def add_run(file: Path, run: dict[str, Any]) -> None:
    """Adds a run. The file is written whole."""
    lines = [json.dumps(one) for one in (*read_runs(file), run)]
    file.parent.mkdir(parents=True, exist_ok=True)
    write_text(file, "[\n" + ",\n".join(lines) + "\n]\n")


def has_run(runs: list[dict[str, Any]], wanted: dict[str, Any]) -> bool:
    """Whether there is a run of that key.

    >>> has_run([{"contender": "optuna", "seed": 1}], {"contender": "optuna", "seed": 2})
    False
    """
    return any(all(run.get(key) == wanted.get(key) for key in KEY) for run in runs)
