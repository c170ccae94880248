"""Finds GPUs, cores and memory, and says what each worker may use, without importing a training library."""

import math
import os
import re
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from itertools import takewhile
from pathlib import Path

from pipeline.executors.gpu_memory import memory_settings
from pipeline.executors.task import Slots

GPU_MASK = "CUDA_VISIBLE_DEVICES"

_DEVICE = re.compile(r"\d+|(GPU|MIG)-.+")

_CGROUP = Path("/sys/fs/cgroup")

_MOST_THREADS = 8
"""Threads of one of several workers; the batches of a small network give no work to more."""


def gpus() -> list[str]:
    """The GPUs that this process may use, as ``CUDA_VISIBLE_DEVICES`` names them; empty where there are none.

    If the user has set that variable, they are its entries up to the first one that is neither an index nor a whole or
    shortened UUID of a GPU or a MIG device, as CUDA reads it: -1, or Slurm's NoDevFiles, means none. Otherwise they
    are the indices that ``nvidia-smi`` lists.
    """
    if GPU_MASK in os.environ:
        entries = [entry.strip() for entry in os.environ[GPU_MASK].split(",")]
        return list(takewhile(_DEVICE.fullmatch, entries))
    query = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
    try:
        listing = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in listing.splitlines() if line.strip().isdigit()]


def usable_cores() -> list[int]:
    """The numbers of the logical cores that this process may use; a cluster's scheduler may leave it a few of many."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def cpu_quota() -> float:
    """How many cores' time a container may use, where version 2 of control groups shows it; else infinity."""
    try:
        quota, period = (_CGROUP / "cpu.max").read_text().split()
        return int(quota) / int(period)
    except (OSError, ValueError):  # no such limit, or "max"
        return math.inf


def has_quota() -> bool:
    """Whether this container has a quota of less time than its cores have."""
    return cpu_quota() < len(usable_cores())


def count_cores() -> int:
    """How many logical cores' time this process may use, in whole cores."""
    return min(len(usable_cores()), math.ceil(min(cpu_quota(), 2**16)))


def share(cores: Sequence[int], workers: int) -> list[list[int]]:
    """The cores of each of so many busy workers: equal shares, or all cores for each if there are too few.

    A share has every n-th core, since Linux mostly numbers the second threads of the physical cores after all first.

    >>> share([0, 1, 2, 3], 2), share([0, 1, 2, 3], 1), share([0, 1], 3)
    ([[0, 2], [1, 3]], [[0, 1, 2, 3]], [[0, 1], [0, 1], [0, 1]])
    """
    if workers > len(cores):
        return [list(cores)] * workers
    return [list(cores[worker::workers]) for worker in range(workers)]


def bind(process: int, cores: Sequence[int]) -> None:
    """Lets the threads of a process run on these cores only, where the system can (Linux)."""
    if not hasattr(os, "sched_setaffinity"):
        return
    with suppress(OSError):  # the process, or one of its threads, has just ended
        for thread in os.listdir(f"/proc/{process}/task"):
            with suppress(ProcessLookupError):
                os.sched_setaffinity(int(thread), cores)


def environments(slots: Slots) -> list[dict[str, str]]:
    """The environment variables of each worker: its GPU and its number of CPU threads.

    Workers take the GPUs in turn, and share them when there are fewer GPUs than workers. GPU memory is allocated as
    it is needed, not all at once, and up to a worker's share. Each of several workers has as many threads as it could
    use alone, at most 8: which cores they run on is decided while they run (``share``), so that the last one gets them
    all. On one core each, two threads take 11 % longer than one for a network of 2.5 million MACs, 3 % for one of 29
    million (measured). Workers with a quota are not bound to cores, so each has only its share of the threads. The
    names are TensorFlow's, OpenMP's and XLA's own; a variable that the user has set is left alone.
    """
    workers, cores = slots.workers, count_cores()
    usable = max(1, cores // workers) if has_quota() else cores
    threads = str(min(usable, _MOST_THREADS) if workers > 1 else cores)
    common = {
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        "TF_ENABLE_ONEDNN_OPTS": "1",  # TensorFlow itself leaves it off without AVX-512, where it pays as well
    }
    if workers > 1 or has_quota():
        common |= dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS", "NPROC"), threads)
        common["TF_NUM_INTEROP_THREADS"] = "1"
    if GPU_MASK not in os.environ:
        common["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"  # the order of nvidia-smi's indices; CUDA's default is another
    common |= memory_settings(slots.per_gpu)
    unset = {name: value for name, value in common.items() if name not in os.environ}
    masks = ("-1",) if slots.hides_gpus else slots.gpus
    own_gpu = [{GPU_MASK: masks[worker % len(masks)]} if masks else {} for worker in range(workers)]
    return [unset | gpu for gpu in own_gpu]


WORKER_BYTES = 600 << 20
"""The memory of a worker that trains a small network. TensorFlow 2.21 on a CPU: 336 MiB of its own after the import and
458 MiB after a first training, beside 480 MiB that all workers share (measured). Larger networks need more."""


def most_workers(memory: int, training: int = 0) -> int:
    """How many workers fit into ``memory`` bytes if a training takes so many; at least one, which trains.

    >>> most_workers(8 << 30), most_workers(8 << 30, 2 << 30)
    (13, 3)
    """
    return max(1, memory // (WORKER_BYTES + training))


def available_memory() -> int:
    """The bytes of RAM that new processes can take without swapping: of the machine, or of the container if less.

    A container's limit is read where version 2 of control groups shows it.
    """
    import psutil  # imported late: 10 ms of --help

    machine = int(psutil.virtual_memory().available)
    try:
        limit = int((_CGROUP / "memory.max").read_text())
        used = int((_CGROUP / "memory.current").read_text())
        cached = re.search(r"^inactive_file (\d+)$", (_CGROUP / "memory.stat").read_text(), re.MULTILINE)
    except (OSError, ValueError):  # no such limit, or "max"
        return machine
    return min(machine, limit - used + (int(cached[1]) if cached else 0))


def count_workers(training: int = 0) -> int:
    """How many trials this machine trains best side by side without a GPU: one per core.

    On cores that share their arithmetic units (hyper-threading), one per pair; in a container, as many as its quota of
    time is worth. Never more than fit into half of the free memory, since large networks need more than small ones, or
    into all of it if each training takes so many bytes.
    """
    import psutil

    cores = min(count_cores(), psutil.cpu_count(logical=False) or 1)
    memory = available_memory()
    return min(cores, most_workers(memory // 2), most_workers(memory, training))
