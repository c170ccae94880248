"""Trains a candidate that runs out of memory again, with smaller batches, before it counts as failed."""

import gc
import sys
import time
from collections.abc import Callable
from dataclasses import replace

from pipeline.executors.machine_fault import FULL_DISK
from pipeline.study.trial import Decision, EpochReport, Report, ReportCallback, TrialResult

TrainWith = Callable[[int, ReportCallback], TrialResult]
"""Trains from the beginning with batches of so many images."""

_HALVINGS = 2
"""How often the batch size is halved."""

_CLASSES = {"MemoryError", "ResourceExhaustedError", "OutOfMemoryError"}
"""The errors of Python and NumPy, of TensorFlow, and of torch."""

_WORDS = ("RESOURCE_EXHAUSTED", "CUDA_ERROR_OUT_OF_MEMORY", "CUDA out of memory")
"""The words of errors without a class of their own: JAX's, and those of libraries below the backends."""


def train_in_memory(train: TrainWith, batch_size: int, report: ReportCallback) -> TrialResult:
    """Trains with ``batch_size``, with half of it where that exceeds the memory, and with half of that.

    The result says with how many images a batch it was trained, if not with as many as asked for. The error of the last
    training is raised, and at once if an epoch has been reported: a trial has each of its epochs once.
    """
    began, begun = time.monotonic(), False

    def watch(made: Report) -> Decision:
        nonlocal begun
        begun = begun or isinstance(made, EpochReport)
        return report(made)

    sizes = _sizes(batch_size)
    for size in sizes[:-1]:
        try:
            return _noted(train(size, watch), size, batch_size, began)
        except Exception as error:
            if begun or not is_out_of_memory(error):
                raise
            print(f"out of memory with batches of {size}: trained again with half of it", file=sys.stderr)
        gc.collect()  # the error is gone here, and with it what its traceback has kept of the model
    return _noted(train(sizes[-1], watch), sizes[-1], batch_size, began)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a training has exceeded the memory of the machine or of its GPU, under any backend."""
    text = str(error)
    if FULL_DISK.search(text):  # TensorFlow has one class for full memory and full disks
        return False
    return any(kind.__name__ in _CLASSES for kind in type(error).__mro__) or any(words in text for words in _WORDS)


def _sizes(batch_size: int) -> list[int]:
    """The batch sizes to try.

    >>> _sizes(64), _sizes(3), _sizes(1)
    ([64, 32, 16], [3, 1], [1])
    """
    sizes = [batch_size >> halvings for halvings in range(_HALVINGS + 1)]
    return [size for size in sizes if size]


def _noted(result: TrialResult, size: int, asked: int, began: float) -> TrialResult:
    return result if size == asked else replace(result, batch_size=size, seconds=time.monotonic() - began)
