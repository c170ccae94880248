"""Refuses the settings that an executor cannot follow."""

from collections.abc import Sequence

from pipeline.errors import JobError
from pipeline.executors import EXECUTORS
from pipeline.job.parsers import NONE


def check_workers(workers: int | None, executor: str) -> None:
    """JobError for several workers of an executor that has only one."""
    if workers is not None and workers > 1 and not EXECUTORS[executor].parallel:
        parallel = " or ".join(name for name, kind in EXECUTORS.items() if kind.parallel)
        expected = f"expected 1 with --executor {executor}"
        raise JobError(f"--workers: {expected}, got {workers}; use --executor {parallel}")


def check_timeout(timeout: float | None, executor: str) -> None:
    """JobError for a bound on the time of a trial where nothing can end one."""
    if timeout is not None and not EXECUTORS[executor].drops:
        able = " or ".join(name for name, kind in EXECUTORS.items() if kind.drops)
        expected = "expected an executor that can end a trial"
        raise JobError(f"--trial-timeout: {expected}, got --executor {executor}; use --executor {able}")


def check_gpus(gpus: Sequence[str], per_gpu: int | None, executor: str) -> None:
    """JobError for settings of GPUs that nothing would follow from."""
    if gpus and tuple(gpus) != (NONE,) and EXECUTORS[executor].on_cluster:
        expected = f"expected {NONE} or nothing with --executor {executor}, whose nodes offer their GPUs"
        raise JobError(f"--gpus: {expected}; set CUDA_VISIBLE_DEVICES where a node starts")
    flag = "--gpus" if gpus else "--per-gpu"
    if (gpus or per_gpu) and not EXECUTORS[executor].parallel:
        expected = f"expected nothing with --executor {executor}, which takes what Keras finds"
        raise JobError(f"{flag}: {expected}; leave it out")
    if per_gpu and tuple(gpus) == (NONE,):
        raise JobError(f"--per-gpu: expected nothing with --gpus {NONE}, got {per_gpu}; leave one of them out")


def check_address(address: str, executor: str) -> None:
    """JobError for the address of a cluster where trials run elsewhere."""
    if address and not EXECUTORS[executor].on_cluster:
        able = " or ".join(name for name, kind in EXECUTORS.items() if kind.on_cluster)
        raise JobError(f"--ray-address: expected nothing with --executor {executor}; use --executor {able}")
