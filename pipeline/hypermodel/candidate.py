"""A candidate of a HyperModel: params whose model can be trained."""

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.hypermodel.source import HyperModelSource
from pipeline.hyperparameter import Scalar


@dataclass(frozen=True)
class HyperModelCandidate:
    """Params whose model a worker has built: it found their ``key`` and ``costs``; see ``pipeline.candidate``."""

    params: dict[str, Scalar]
    source: HyperModelSource
    key: str
    costs: Mapping[str, float]
