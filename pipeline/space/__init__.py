"""Search spaces: what may vary, in which range, under which condition."""

from pipeline.space.domain import Choice, Domain, FloatRange, IntRange
from pipeline.space.load import available, load, source_text
from pipeline.space.space import Parameter, Space

__all__ = ["Choice", "Domain", "FloatRange", "IntRange", "Parameter", "Space", "available", "load", "source_text"]
