"""Search spaces: which hyperparameters vary, in which range, under which condition."""

from pipeline.space.adjust import fix, limit
from pipeline.space.complete import complete
from pipeline.space.domain import Choice, Domain, FloatRange, IntRange
from pipeline.space.enumeration import points, size
from pipeline.space.load import available, load, source_text
from pipeline.space.space import SearchedHyperparameter, Space

__all__ = [
    "Choice",
    "Domain",
    "FloatRange",
    "IntRange",
    "SearchedHyperparameter",
    "Space",
    "available",
    "complete",
    "fix",
    "limit",
    "load",
    "points",
    "size",
    "source_text",
]
