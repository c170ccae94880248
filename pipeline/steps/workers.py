"""The workers of a study: how many, which GPUs they take, and what they import at once."""

import math
from pathlib import Path

from pipeline.errors import JobError, SpaceError
from pipeline.executors import EXECUTORS, Executor, Slots
from pipeline.executors.devices import available_memory, count_cores, count_workers, gpus, most_workers
from pipeline.executors.gpu_memory import WORKER_GPU_BYTES, free_memory, workers_per_gpu
from pipeline.job.job import Job
from pipeline.job.parsers import NONE
from pipeline.quantity import counted
from pipeline.training.worker import import_training

_MOST = 1000
"""The workers of a study on the largest cluster; its trials begin one after another, in some milliseconds each."""


def start_workers(job: Job, slots: Slots, log: Path | None) -> Executor:
    """The executor of a job, whose workers import Keras from now on; ``log`` is for what libraries print there."""
    return EXECUTORS[job.executor].start(slots, log, import_training)


def slots_of(job: Job) -> Slots:
    """As many workers as the job says or the machine can use, and never more than trials, on the GPUs of the job.

    A limit of ``memory`` in the job leaves room for as many trainings of that size.

    On a cluster that is there already, as many as it has room for while the study runs.

    JobError for GPUs that are not there, and for more workers than memory holds; never for one.
    """
    if job.ray_address:
        most = min(job.workers or _MOST, job.total)
        on_cpu = job.gpus == (NONE,)
        return Slots(int(most), (), job.per_gpu or 1, on_cpu, job.ray_address, follows=not job.workers)
    chosen = _choose_gpus(job)
    if not chosen:
        flag, wanted = "--workers", job.workers or count_workers(_training(job))
    elif job.workers:
        flag, wanted = "--workers", job.workers
    else:
        flag, wanted = "--per-gpu", len(chosen) * (job.per_gpu or _choose_per_gpu(chosen, _training(job)))
    workers = int(min(wanted, job.total))
    if job.workers or job.per_gpu:
        _check_memory(flag, workers, chosen)
    per_gpu = math.ceil(workers / len(chosen)) if chosen else 1
    if job.workers and job.per_gpu and per_gpu > job.per_gpu:
        on = f"--per-gpu {job.per_gpu} on {counted(len(chosen), 'GPU')}"
        most = job.per_gpu * len(chosen)
        raise JobError(f"--workers: expected at most {most} with {on}, got {job.workers}; leave one of them out")
    return Slots(workers, chosen, per_gpu, hides_gpus=job.gpus == (NONE,))


def _choose_gpus(job: Job) -> tuple[str, ...]:
    """The GPUs that the job names, or all that are here; JobError for others."""
    if job.gpus == (NONE,):
        return ()
    here = gpus()
    if job.per_gpu and not here:
        raise JobError(
            f"--per-gpu: expected nothing without a GPU, got {job.per_gpu}; nvidia-smi lists none, leave it out"
        )
    for gpu in job.gpus:
        if gpu not in here:
            expected = f"some of {', '.join(here)}, which are" if here else f"{NONE}, since there is no GPU"
            raise JobError(f"--gpus: expected {expected} here, got {gpu}; see nvidia-smi, or leave --gpus out")
    return job.gpus or tuple(here)


def _training(job: Job) -> int:
    """The most bytes that a step of the job's trainings may take; 0 where ``--limit`` does not say, or is refused."""
    from pipeline.space.limits import parse_limit  # imported late: spaces would slow down --help

    try:
        return int(parse_limit("memory", dict(job.limits).get("memory")))
    except SpaceError:
        return 0


def _choose_per_gpu(chosen: tuple[str, ...], training: int) -> int:
    """The workers of a GPU, as far as cores, GPU memory and half of the free RAM suffice for all."""
    fitting = most_workers(available_memory() // 2) // len(chosen)
    return max(1, min(workers_per_gpu(len(chosen), count_cores(), free_memory(chosen), training), fitting))


def _check_memory(flag: str, workers: int, chosen: tuple[str, ...]) -> None:
    """JobError for more workers than this machine's memory, or that of its GPUs, holds."""
    rooms = [(available_memory(), "memory", most_workers(available_memory()))]
    on_gpu = free_memory(chosen) if chosen else None
    if on_gpu is not None:
        rooms.append((on_gpu, "GPU memory", len(chosen) * max(1, on_gpu // WORKER_GPU_BYTES)))
    memory, kind, most = min(rooms, key=lambda room: room[2])
    if workers <= most or workers <= 1:
        return
    per = len(chosen) if flag == "--per-gpu" else 1
    raise JobError(
        f"{flag}: expected at most {most // per}, as many as fit into the {memory / 1e9:.1f} GB of {kind} that are free"
        f" here, got {workers // per}; give fewer"
    )
