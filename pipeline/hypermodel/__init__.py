"""Bring your own family: a KerasTuner HyperModel or ``build(hp)`` function as a space; only workers import it."""

from pipeline.hypermodel.builder import COUNTED, Builder
from pipeline.hypermodel.space import blueprint, fingerprint, text

__all__ = ["COUNTED", "Builder", "blueprint", "fingerprint", "text"]
