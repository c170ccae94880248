"""Which GPUs there are and what each worker may use, found without importing a training library."""

import os
import subprocess
from dataclasses import dataclass


@dataclass(frozen=True)
class Gpu:
    """An NVIDIA card: its index as CUDA counts, its name, and its compute capability (8.0: Ampere)."""

    index: str
    name: str
    capability: float


def gpus() -> list[Gpu]:
    """The cards that this process may use (``CUDA_VISIBLE_DEVICES`` is honoured); empty where there are none."""
    query = ["nvidia-smi", "--query-gpu=index,compute_cap,name,uuid", "--format=csv,noheader"]
    try:
        listing = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return _visible(listing, os.environ.get("CUDA_VISIBLE_DEVICES"))


def _visible(listing: str, mask: str | None) -> list[Gpu]:
    rows = [[cell.strip() for cell in line.split(",")] for line in listing.splitlines() if line.count(",") >= 3]
    cards = {row[0]: Gpu(row[0], row[2], float(row[1])) for row in rows}
    by_uuid = {row[3]: cards[row[0]] for row in rows}
    if mask is None:
        return list(cards.values())
    named = [cards.get(name.strip()) or by_uuid.get(name.strip()) for name in mask.split(",")]
    return [card for card in named if card is not None]


def environments(workers: int, cards: list[Gpu]) -> list[dict[str, str]]:
    """The environment variables of each worker: its GPU (shared in turn when there are fewer) and its CPU threads.

    Memory on the card is taken as needed, not all at once. The names are TensorFlow's, OpenMP's and XLA's own.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = str(max(1, cores // workers))
    common = {
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
    }
    if workers > 1:
        names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "NPROC")
        common |= dict.fromkeys(names, threads)
    cards_in_turn = [{"CUDA_VISIBLE_DEVICES": cards[i % len(cards)].index} if cards else {} for i in range(workers)]
    return [common | card for card in cards_in_turn]
