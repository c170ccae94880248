"""Which GPUs there are and what each worker may use, found without importing a training library."""

import os
import subprocess
from itertools import takewhile

MASK = "CUDA_VISIBLE_DEVICES"


def gpus() -> list[str]:
    """The cards that this process may use, as ``CUDA_VISIBLE_DEVICES`` names them; empty where there are none.

    A mask that the user has set is taken at its word: its entries (indices, whole or shortened UUIDs, MIG devices)
    up to the first that is empty or -1, as CUDA reads it. Without one they are the indices of ``nvidia-smi``.
    """
    if MASK in os.environ:
        entries = [entry.strip() for entry in os.environ[MASK].split(",")]
        return list(takewhile(lambda entry: entry not in ("", "-1"), entries))
    query = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
    try:
        listing = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in listing.splitlines() if line.strip().isdigit()]


def environments(workers: int, cards: list[str]) -> list[dict[str, str]]:
    """The environment variables of each worker: its GPU (shared in turn when there are fewer) and its CPU threads.

    Memory on the card is taken as needed, not all at once. The names are TensorFlow's, OpenMP's and XLA's own; those
    that the user has set stay as they are.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = str(max(1, cores // workers))
    common = {
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    }
    if workers > 1:
        names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "NPROC")
        common |= dict.fromkeys(names, threads)
    if MASK not in os.environ:
        common["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"  # the order in which nvidia-smi counts; CUDA's own is another
    ours = {name: value for name, value in common.items() if name not in os.environ}
    cards_in_turn = [{MASK: cards[i % len(cards)]} if cards else {} for i in range(workers)]
    return [ours | card for card in cards_in_turn]
