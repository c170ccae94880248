"""A KerasTuner HyperModel or a ``build(hp)`` function as a space. Only workers import it."""

from pipeline.hypermodel.space import fingerprint, parse_source, read_code, source_text
from pipeline.hypermodel.task import make_task
from pipeline.hypermodel.worker import COUNTED_COSTS, HyperModelWorker

__all__ = ["COUNTED_COSTS", "HyperModelWorker", "fingerprint", "make_task", "parse_source", "read_code", "source_text"]
