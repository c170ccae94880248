"""Says before the first trial that a GPU is there and not used: a study on the CPU takes many times as long."""

from pipeline.console import warn
from pipeline.executors import EXECUTORS, Executor, call
from pipeline.executors.cards import ExplainUnused, explain_unused, list_cards
from pipeline.job.job import Job
from pipeline.job.parsers import NONE


def warn_of_unused_gpu(job: Job, device: str, executor: Executor) -> None:
    """One warning with the remedy if ``device``, Keras's in the workers, is the CPU though the driver lists a card.

    On a cluster, the driver of a node that trains. None for a job that asks for the CPU.
    """
    if device == "gpu" or job.gpus == (NONE,):
        return
    on_cluster = EXECUTORS[job.executor].on_cluster
    unused = call(executor, ExplainUnused()) if on_cluster else explain_unused(*list_cards())
    if unused is not None:
        warn("; ".join(unused))
