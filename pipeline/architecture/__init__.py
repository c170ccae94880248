"""Architectures without Keras: turns params into layers with their shapes and costs."""

from pipeline.architecture.architecture import Architecture
from pipeline.architecture.families import FAMILIES
from pipeline.architecture.family import Family
from pipeline.architecture.op import Infeasible

__all__ = ["FAMILIES", "Architecture", "Family", "Infeasible"]
