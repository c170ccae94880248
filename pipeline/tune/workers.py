"""The workers of a study: how many, and what they import at once."""

from pathlib import Path

from pipeline.executors import EXECUTORS, Executor
from pipeline.executors.devices import count_workers
from pipeline.job.job import Job
from pipeline.training.worker import import_training


def start_workers(job: Job, log: Path | None) -> Executor:
    """The executor of a job, whose workers import Keras from now on; ``log`` is for what libraries print there.

    There are as many as the job says or the machine can use, and never more than trials.
    """
    wanted = count_workers() if job.workers is None else job.workers
    return EXECUTORS[job.executor].start(int(min(wanted, job.total)), log, import_training)
