"""The five steps of a study, from a job to the best model, its test scores and its place in MLflow."""

from pipeline.steps.start import tune

__all__ = ["tune"]
