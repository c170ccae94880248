"""Describes the machine and the code on which figures were measured, and keeps figures with that description."""

import json
import os
import platform
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any


def machine() -> str:
    """One line: cores, processor, GPUs, Python, and the versions of the libraries that matter."""
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    packages = ", ".join(f"{name} {version(name)}" for name in (backend, "keras", "optuna", "mlflow"))
    parts = (f"{os.cpu_count()} cores", processor(), *_gpus(), f"Python {platform.python_version()}", packages)
    return ", ".join(parts)


def _gpus() -> list[str]:
    query = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        return subprocess.run(query, capture_output=True, text=True, check=True).stdout.splitlines()
    except (OSError, subprocess.SubprocessError):
        return []


def commit() -> str:
    """The commit that is checked out, with a mark if files differ from it but those of results; "" outside git."""
    here = Path(__file__).resolve().parent.parent
    named = _git(here, "rev-parse", "--short", "HEAD")
    changed = _git(here, "status", "--porcelain", "--", ".", ":!bench/results", ":!docs/images")
    return f"{named}-dirty" if changed else named


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False).stdout.strip()


def keep(figures: dict[str, Any], name: str = "") -> None:
    """Writes results/<bench>.json: the figures, to four digits, after the command, the machine and the commit.

    ``name`` is another file's in that folder. The command has FOLDER in the place of any folder's path.
    """
    bench, here = Path(sys.argv[0]), Path(__file__).resolve().parent
    arguments = ("FOLDER" if Path(argument).is_dir() else argument for argument in sys.argv[1:])
    inner = bench.resolve().parent != here  # a module in a folder of its own
    script = f"-m bench.{bench.resolve().parent.name}.{bench.stem}" if inner else f"bench/{bench.name}"
    command = " ".join(["python", script, *arguments])
    record = {"command": command, "machine": machine(), "commit": commit(), **_rounded(figures)}
    file = Path(__file__).parent / "results" / (name or f"{bench.stem}.json")
    file.parent.mkdir(exist_ok=True)
    text = re.sub(r"\[[^][{}]*\]", lambda numbers: " ".join(numbers[0].split()), json.dumps(record, indent=1))
    file.write_text(text + "\n", encoding="utf-8")


def _rounded(figures: Any) -> Any:
    if isinstance(figures, dict):
        return {name: _rounded(value) for name, value in figures.items()}
    if isinstance(figures, list):
        return [_rounded(value) for value in figures]
    return float(f"{figures:.4g}") if isinstance(figures, float) else figures


def processor() -> str:
    """The processor's name."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as info:
            return next(line.split(":")[1].strip() for line in info if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
