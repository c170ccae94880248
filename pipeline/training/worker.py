"""Worker processes with Keras, for studies and for other commands. Only they, and the inline executor, import it."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.console import status
from pipeline.errors import ConvtuneError, WorkerError
from pipeline.executors import Executor, Ready, Watched, call, local
from pipeline.study.trial import ReportCallback
from pipeline.training.tensorflow_alone import import_tensorflow


def import_keras() -> None:
    """Imports Keras and what loads and runs models. A worker does so while its parent prepares the first task."""
    import_tensorflow()
    import pipeline.training.predict
    import pipeline.training.save  # noqa: F401
    from pipeline.training.gpu_share import cap_gpu_memory

    cap_gpu_memory()


def import_training() -> None:
    """Imports Keras and everything else that training needs. (Keras brings scikit-learn, which metrics need.)"""
    import_tensorflow()
    import pipeline.training.fit  # noqa: F401
    from pipeline.training.gpu_share import cap_gpu_memory

    cap_gpu_memory()


def import_nothing() -> None:
    """Leaves imports to the first task."""


def start_worker(log: Path | None, **environment: str) -> Executor:
    """One local worker process with Keras.

    ``log`` receives the output of its libraries (None: the terminal). ``environment`` is set before Keras is imported.
    """
    return local.start_one(log, import_keras, **environment)


@contextmanager
def keras_worker(description: str, **environment: str) -> Iterator[Executor]:
    """A worker with Keras whose libraries print nothing; ``description`` and its batches are shown while it is in use.

    ``environment`` is set before Keras is imported.
    """
    with closing(start_worker(Path(os.devnull), **environment)) as executor:
        with status("importing Keras"):
            call(executor, Ready())
        with status(description) as progress:
            yield Watched(executor, progress)


@contextmanager
def model_worker(description: str) -> Iterator[Executor]:
    """Like ``keras_worker``, for a model of any format: its runtime is imported when a task opens the model."""
    log = Path(os.devnull)
    with closing(local.start_one(log, import_nothing)) as executor, status(description) as progress:
        yield Watched(executor, progress)


@dataclass(frozen=True)
class DetectDevice:
    """The task of finding out which device Keras uses: ``gpu`` or ``cpu``."""

    number: int = -1

    def run(self, report: ReportCallback) -> str:
        """See ``pipeline.training.precision.detect_device``."""
        from pipeline.training.precision import detect_device

        return detect_device()


@dataclass(frozen=True)
class MeasureThroughput:
    """The task of measuring how many multiply-accumulates per second training makes."""

    precision: str
    number: int = -1

    def run(self, report: ReportCallback) -> float:
        """See ``pipeline.training.throughput.measure_throughput``."""
        from pipeline.training.throughput import measure_throughput

        return measure_throughput(self.precision)


def check_backend(executor: Executor) -> str:
    """Starts Keras on a free slot, and returns its device, ``gpu`` or ``cpu``.

    WorkerError if its backend fails, since every trial would fail with that error.
    """
    try:
        return call(executor, DetectDevice())
    except ConvtuneError as error:
        backend = os.environ.get("KERAS_BACKEND")
        setting = f"KERAS_BACKEND={backend}" if backend else "KERAS_BACKEND is not set"
        raise WorkerError(
            f"{setting}: Keras cannot start with this backend ({error}); install it, or set tensorflow, jax or torch"
        ) from None
