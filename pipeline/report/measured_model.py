"""A model that has been measured: its scores, its times and its size."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.arrays import Probabilities
from pipeline.errors import printable
from pipeline.executors.devices import count_cores, gpus
from pipeline.metrics.evaluation import Evaluation
from pipeline.quantity import counted
from pipeline.training.measured_latency import Latency


@dataclass(frozen=True, eq=False)
class MeasuredModel:
    """A model file in the ``format`` of that name, of ``size`` bytes.

    ``probabilities`` are (images, classes), with the classes in the order of the ``evaluation``.
    """

    file: Path
    format: str
    evaluation: Evaluation
    probabilities: Probabilities
    latencies: tuple[Latency, ...]
    size: int

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, without the probabilities."""
        return {
            "model": printable(self.file),
            "format": self.format,
            **self.evaluation.as_dict(),
            "latency": [latency.as_dict() for latency in self.latencies],
            "megabytes": self.size / 1e6,
        }


@dataclass(frozen=True)
class Machine:
    """What a model may have run on. Whether it used a GPU is up to its runtime."""

    cores: int
    gpus: int

    def __str__(self) -> str:
        some = f" and {counted(self.gpus, 'GPU')}" if self.gpus else ""
        return f"{counted(self.cores, 'core')}{some}"

    def as_dict(self) -> dict[str, int]:
        """Plain values for JSON."""
        return asdict(self)


def describe_machine() -> Machine:
    """This machine, as far as this process may use it."""
    return Machine(count_cores(), len(gpus()))
