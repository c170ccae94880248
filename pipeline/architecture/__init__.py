"""Architectures without Keras: values in, layers with their shapes and costs out."""

from pipeline.architecture.architecture import Architecture
from pipeline.architecture.families import FAMILIES
from pipeline.architecture.family import Family
from pipeline.architecture.op import Infeasible

__all__ = ["FAMILIES", "Architecture", "Family", "Infeasible"]
