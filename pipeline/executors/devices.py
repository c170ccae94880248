"""Finds the GPUs and says which one each worker may use, without importing a training library."""

import os
import subprocess
from itertools import takewhile

GPU_MASK = "CUDA_VISIBLE_DEVICES"


def gpus() -> list[str]:
    """The GPUs that this process may use, as ``CUDA_VISIBLE_DEVICES`` names them; empty where there are none.

    If the user has set that variable, they are its entries (indices, whole or shortened UUIDs, MIG devices) up to the
    first one that is empty or -1, as CUDA reads it. Otherwise they are the indices that ``nvidia-smi`` lists.
    """
    if GPU_MASK in os.environ:
        entries = [entry.strip() for entry in os.environ[GPU_MASK].split(",")]
        return list(takewhile(lambda entry: entry not in ("", "-1"), entries))
    query = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
    try:
        listing = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in listing.splitlines() if line.strip().isdigit()]


def environments(workers: int, gpus: list[str]) -> list[dict[str, str]]:
    """The environment variables of each worker: its GPU and its number of CPU threads.

    Workers take the GPUs in turn, and share them when there are fewer GPUs than workers. GPU memory is allocated as
    it is needed, not all at once. The names are TensorFlow's, OpenMP's and XLA's own; a variable that the user has
    set is left alone.
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
    if GPU_MASK not in os.environ:
        common["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"  # the order of nvidia-smi's indices; CUDA's default is another
    unset = {name: value for name, value in common.items() if name not in os.environ}
    own_gpu = [{GPU_MASK: gpus[worker % len(gpus)]} if gpus else {} for worker in range(workers)]
    return [unset | gpu for gpu in own_gpu]
