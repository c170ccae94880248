"""The main job, end to end: from a job to the best model, its test accuracy and its place in MLflow."""

from pipeline.tune.start import tune

__all__ = ["tune"]
