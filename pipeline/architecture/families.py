"""The table of families: a new one is one file and one line here."""

from collections.abc import Mapping
from types import MappingProxyType

from pipeline.architecture.family import Family
from pipeline.architecture.inception import INCEPTION
from pipeline.architecture.plain import PLAIN
from pipeline.architecture.residual import RESIDUAL

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "plain": PLAIN,
        "inception": INCEPTION,
        "residual": RESIDUAL,
    }
)
