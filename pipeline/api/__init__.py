"""The Python interface: ``from pipeline import tune, load_study``."""

from pipeline.api.functions import load_study, tune
from pipeline.api.study import Study

__all__ = ["Study", "load_study", "tune"]
