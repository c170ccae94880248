"""Which GPUs the driver knows, by name, and why Keras may use none of them. Without a training library."""

import os
import subprocess
from dataclasses import dataclass

from pipeline.errors import printable
from pipeline.executors.devices import GPU_MASK, gpus
from pipeline.study.trial import ReportCallback

_QUERY = ("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader")

_NONE = "No devices were found"
"""The line that ``nvidia-smi`` prints in the place of cards."""

_CUDA = {"tensorflow": "pip install 'convtune[gpu]'", "jax": "pip install 'jax[cuda12]'"}
"""The commands that install a backend for CUDA."""


def list_cards() -> tuple[list[str], str]:
    """The cards with their drivers, and why ``nvidia-smi`` failed ("": it did not, or it is not there)."""
    try:
        ran = subprocess.run(_QUERY, capture_output=True, text=True, timeout=20, check=False)
    except FileNotFoundError:
        return [], ""
    except (OSError, subprocess.SubprocessError) as error:
        return [], printable(error)
    lines = [line.strip() for line in (ran.stdout or ran.stderr).splitlines() if line.strip()]
    if lines[:1] == [_NONE]:
        return [], ""
    if ran.returncode != 0:
        return [], printable(lines[0]) if lines else f"exit code {ran.returncode}"
    return [printable(line.replace(", ", ", driver ")) for line in lines], ""


def backend() -> str:
    """Keras's backend in a worker, as far as the environment says."""
    return os.environ.get("KERAS_BACKEND") or "tensorflow"


def are_hidden(cards: list[str]) -> bool:
    """Whether the user, or a scheduler, hides all of the cards."""
    return bool(cards) and not gpus()


def explain_unused(cards: list[str], fault: str) -> tuple[str, str] | None:
    """Why Keras trains on the CPU beside these cards, or where listing them had a ``fault``; and what to do about it.

    None if there is no card.
    """
    if fault:
        return f"nvidia-smi fails ({fault})", "install the driver that fits the card, then restart the machine"
    if not cards:
        return None
    if are_hidden(cards):
        return f"{'; '.join(cards)}: hidden by {GPU_MASK}={os.environ.get(GPU_MASK)!r}", f"unset {GPU_MASK}"
    install = _CUDA.get(backend(), f"install {backend()} for CUDA")
    return f"{'; '.join(cards)}: Keras ({backend()}) does not see it and trains on the CPU", f"run `{install}`"


@dataclass(frozen=True)
class ExplainUnused:
    """The task of ``explain_unused`` in a worker on a node of a cluster, which gives it a GPU or hides them all."""

    number: int = -1

    def run(self, report: ReportCallback) -> tuple[str, str] | None:
        """See ``explain_unused``; where the node does not offer its cards, how it would."""
        cards, fault = list_cards()
        if not fault and are_hidden(cards):
            return f"{'; '.join(cards)}: a node has it and does not offer it", "start the node with `--num-gpus`"
        return explain_unused(cards, fault)
