"""The table of families. A new family is one file and its line here."""

from collections.abc import Mapping

from pipeline.architecture.family import Family
from pipeline.architecture.inception import INCEPTION
from pipeline.architecture.plain import PLAIN
from pipeline.architecture.residual import RESIDUAL

FAMILIES: Mapping[str, Family] = {family.name: family for family in (PLAIN, INCEPTION, RESIDUAL)}
