"""The workers of a study: how many, and what they import at once."""

from pathlib import Path

from pipeline.errors import JobError
from pipeline.executors import EXECUTORS, Executor, Slots
from pipeline.executors.devices import available_memory, count_workers, gpus, most_workers
from pipeline.job.job import Job
from pipeline.training.worker import import_training


def start_workers(job: Job, log: Path | None) -> Executor:
    """The executor of a job, whose workers import Keras from now on; ``log`` is for what libraries print there."""
    return EXECUTORS[job.executor].start(slots_of(job), log, import_training)


def slots_of(job: Job) -> Slots:
    """As many workers as the job says or the machine can use, never more than trials; they take its GPUs in turn."""
    wanted = count_workers() if job.workers is None else job.workers
    return Slots(int(min(wanted, job.total)), tuple(gpus()))


def check_memory(job: Job) -> None:
    """JobError for more workers than this machine's memory holds; never for one, nor for more than there are trials."""
    memory = available_memory()
    most = most_workers(memory)
    if job.workers is not None and min(job.workers, job.total) > most:
        raise JobError(
            f"--workers: expected at most {most}, as many as fit into the {memory / 1e9:.1f} GB of memory that are free"
            f" here, got {job.workers}; give fewer"
        )
