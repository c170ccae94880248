"""The runs below a study's run: those of its trials, and others, which are the user's or whole studies."""

from collections.abc import Iterator

from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID, MLFLOW_SOURCE_NAME

SOURCE = "convtune"
"""The tag of MLflow's that the runs of studies and trials have."""


def child_runs(client: MlflowClient, experiment: str, study: str) -> Iterator[Run]:
    """The active runs below the run ``study``, those of trials and any others, the newest first."""
    token: str | None = ""
    while token is not None:
        page = client.search_runs([experiment], f"tags.`{MLFLOW_PARENT_RUN_ID}` = '{study}'", page_token=token or None)
        yield from page
        token = page.token or None


def trials_filter(study: str) -> str:
    """The search, as people may type it in MLflow's UI, that finds the runs for which ``is_trial`` holds."""
    return (
        f"tags.`{MLFLOW_PARENT_RUN_ID}` = '{study}' and tags.`{MLFLOW_SOURCE_NAME}` = '{SOURCE}' "
        "and tags.number LIKE '%'"  # it has one
    )


def is_trial(child: Run) -> bool:
    """Whether a run below a study's is that of a trial: ours, with a number. Another study there has no number."""
    tags = child.data.tags
    return tags.get(MLFLOW_SOURCE_NAME) == SOURCE and tags.get("number", "").isdecimal()
