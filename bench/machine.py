"""Describes the machine on which figures were measured."""

import os
import platform
from importlib.metadata import version


def machine() -> str:
    """One line: cores, processor, Python, and the versions of the libraries that matter."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("tensorflow", "keras", "optuna", "mlflow"))
    return f"{os.cpu_count()} cores, {_processor()}, Python {platform.python_version()}, {packages}"


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as info:
            return next(line.split(":")[1].strip() for line in info if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
