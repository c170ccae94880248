"""Describes the machine and the code on which figures were measured."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path


def machine() -> str:
    """One line: cores, processor, Python, and the versions of the libraries that matter."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("tensorflow", "keras", "optuna", "mlflow"))
    return f"{os.cpu_count()} cores, {_processor()}, Python {platform.python_version()}, {packages}"


def commit() -> str:
    """The commit that is checked out, with a mark if the code differs from it; "" outside a repository."""
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--exclude", "*"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return described.stdout.strip()


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as info:
            return next(line.split(":")[1].strip() for line in info if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
