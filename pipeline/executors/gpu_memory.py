"""How much memory GPUs have, how many workers share one, and how much of it each of them may take."""

import subprocess
from collections.abc import Sequence

GPU_SHARE = "CONVTUNE_GPU_SHARE"
"""The environment variable that tells a worker its share of its GPU's memory; see ``pipeline.training.gpu_share``."""

WORKER_GPU_BYTES = 900_000_000
"""The GPU memory of a worker that trains a network of 20 million MACs (JAX on an H100, measured)."""

MOST_PER_GPU = 8
"""More train no more trials an hour: 1, 4, 8, 12, 16 workers 196, 513, 619, 593, 578 (JAX, an H200 with 16 cores)."""

_CORES_PER_WORKER = 2
"""One that drives a GPU computes on the CPU too: it makes batches, and its backend compiles."""

_USABLE = 0.9
"""The share of a GPU's memory that its workers divide among them; contexts and libraries take some of the rest."""


def memory_of(gpu: str, column: str = "memory.total") -> int | None:
    """The memory of a GPU in bytes, as ``nvidia-smi`` tells it; None if it does not, as for a part of one (MIG).

    ``gpu`` is an index or a UUID; ``column`` is ``memory.total`` or ``memory.free``.
    """
    query = ["nvidia-smi", f"--id={gpu}", f"--query-gpu={column}", "--format=csv,noheader,nounits"]
    try:
        listing = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True).stdout
        return int(listing) << 20
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def free_memory(gpus: Sequence[str]) -> int | None:
    """The free bytes of the fullest GPU; None if ``nvidia-smi`` does not tell that of each."""
    free = [memory_of(gpu, "memory.free") for gpu in gpus]
    known = [memory for memory in free if memory is not None]
    return min(known) if known and len(known) == len(free) else None


def workers_per_gpu(gpus: int, cores: int, memory: int | None, training: int = 0) -> int:
    """How many workers share a GPU with so many bytes free (None: unknown), where so many cores serve so many GPUs.

    Half of the memory is left for networks that need more than small ones; where it is known what a training takes at
    most (``training``, bytes), as many fit as have that each.

    >>> workers_per_gpu(1, 16, 80 << 30), workers_per_gpu(4, 16, 80 << 30), workers_per_gpu(1, 16, 6 << 30)
    (8, 2, 3)
    >>> workers_per_gpu(1, 16, 80 << 30, training=16 << 30)
    4
    """
    fit = MOST_PER_GPU
    if memory is not None:
        fit = min(memory // 2 // WORKER_GPU_BYTES, int(_USABLE * memory) // (WORKER_GPU_BYTES + training))
    return max(1, min(MOST_PER_GPU, cores // _CORES_PER_WORKER // gpus, fit))


def memory_settings(per_gpu: int) -> dict[str, str]:
    """The environment variables of one of several workers on a GPU, which cap its memory: JAX's own, and ours.

    >>> memory_settings(1), memory_settings(4)["XLA_PYTHON_CLIENT_MEM_FRACTION"]
    ({}, '0.225')
    """
    if per_gpu == 1:
        return {}
    return dict.fromkeys((GPU_SHARE, "XLA_PYTHON_CLIENT_MEM_FRACTION"), f"{_USABLE / per_gpu:.4g}")
