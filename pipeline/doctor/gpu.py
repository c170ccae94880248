"""Checks the GPUs: which cards there are, and whether Keras uses them."""

import os
import subprocess

from pipeline.doctor.finding import Finding, note, ok, problem
from pipeline.errors import ConvtuneError, printable
from pipeline.executors import call
from pipeline.executors.devices import GPU_MASK, count_cores, gpus
from pipeline.training.worker import DetectDevice, keras_worker

_QUERY = ("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader")

_CUDA = {"tensorflow": "pip install 'convtune[gpu]'", "jax": "pip install 'jax[cuda12]'"}
"""The commands that install a backend for CUDA."""


def check_gpu() -> list[Finding]:
    """The cards that ``nvidia-smi`` lists, and the device that Keras has in a worker."""
    cards, fault = list_cards()
    try:
        with keras_worker("asking Keras for its device") as executor:
            device = call(executor, DetectDevice())
    except ConvtuneError as error:
        return [problem(f"Keras cannot start ({error})", "install its backend, or set KERAS_BACKEND to another")]
    return [judge(cards, fault, device)]


def list_cards() -> tuple[list[str], str]:
    """The cards with their drivers, and why ``nvidia-smi`` failed ("": it did not, or it is not there)."""
    try:
        ran = subprocess.run(_QUERY, capture_output=True, text=True, timeout=20, check=False)
    except FileNotFoundError:
        return [], ""
    except (OSError, subprocess.SubprocessError) as error:
        return [], printable(error)
    lines = [line.strip() for line in (ran.stdout or ran.stderr).splitlines() if line.strip()]
    if ran.returncode != 0:
        return [], printable(lines[0]) if lines else f"exit code {ran.returncode}"
    return [printable(line.replace(", ", ", driver ")) for line in lines], ""


def judge(cards: list[str], fault: str, device: str) -> Finding:
    """The finding for these cards, the ``fault`` of listing them, and Keras's device, ``gpu`` or ``cpu``."""
    backend = os.environ.get("KERAS_BACKEND") or "tensorflow"
    if fault:
        return problem(f"nvidia-smi fails ({fault})", "install the driver that fits the card, then restart the machine")
    if device == "gpu":
        return ok(f"{'; '.join(cards) or 'found'}; Keras ({backend}) uses it")
    if not cards:
        return ok(f"none; trials train on the CPU, {count_cores()} cores")
    if not gpus():
        return note(f"{'; '.join(cards)}: hidden by {GPU_MASK}={os.environ.get(GPU_MASK)!r}", f"unset {GPU_MASK}")
    install = _CUDA.get(backend, f"install {backend} for CUDA")
    return problem(f"{'; '.join(cards)}: Keras ({backend}) does not see it and trains on the CPU", f"run `{install}`")
