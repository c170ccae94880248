"""Bring your own family: a KerasTuner HyperModel or ``build(hp)`` function as a space; only workers import it."""

from pipeline.hypermodel.builder import COSTS, Builder, HyperModelCandidate
from pipeline.hypermodel.space import blueprint, fingerprint, space, text

__all__ = ["COSTS", "Builder", "HyperModelCandidate", "blueprint", "fingerprint", "space", "text"]
