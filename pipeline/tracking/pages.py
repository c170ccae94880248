"""The pages of a study in MLflow's UI: it writes the prepared view that they open, and gives their addresses."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass

from mlflow import MlflowClient
from mlflow.entities import Experiment
from mlflow.exceptions import MlflowException

from pipeline.errors import TrackingError, without_password
from pipeline.metrics import Metric
from pipeline.tracking.client import open_client, patience, refusal
from pipeline.tracking.faults import is_unknown_request
from pipeline.tracking.store import check_exists, store_uri
from pipeline.tracking.trial_runs import child_runs, is_trial
from pipeline.tracking.view import TAG, describe_view, key_of

_MOST_VIEWS = 20
"""The most views of ours in an experiment: where there are 40, the UI lets nobody save another."""

_WORKFLOW = "workflowType=machine_learning"
"""Without it, MLflow 3.17 shows its pages for language models, where trials have neither scores nor params."""

EXPERIMENTS = f"/#/experiments?{_WORKFLOW}"
"""The page of all experiments, without the address of the server."""


@dataclass(frozen=True)
class Pages:
    """The addresses of a study's pages, without that of the server: ``trials`` by score, ``charts``, ``study``."""

    trials: str
    charts: str
    study: str


@patience()
def prepare_pages(
    run: str, name: str, metric: Metric, importances: Mapping[str, float], uri: str | None = None
) -> Pages:
    """Writes the view of a study whose run is ``run`` in the store at ``uri`` (None: as for ``connect``).

    ``importances`` are those of the hyperparameters, as far as they are known. TrackingError if that store has no such
    run, or refuses the view.
    """
    store = store_uri(uri)
    check_exists(store)
    client, _ = open_client(store)
    try:
        study = client.get_run(run) if run else None
    except MlflowException as error:
        if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            raise refusal(store, error) from None
        study = None
    if study is None or study.info.lifecycle_stage != "active":
        advice = "set MLFLOW_TRACKING_URI to the store that it was logged to, or name another study"
        raise TrackingError(f"study {name}: not in {without_password(store)}; {advice}")
    try:
        write_view(client, study.info.experiment_id, run, name, metric, importances)
    except MlflowException as error:
        raise refusal(store, error, "the view of the study") from None
    return _addresses(study.info.experiment_id, run)


def write_view(
    client: MlflowClient, experiment: str, study: str, name: str, metric: Metric, importances: Mapping[str, float]
) -> None:
    """Writes the view of a study as it is now, and removes the oldest of our views beyond twenty."""
    trials = [run for run in child_runs(client, experiment, study) if is_trial(run)]
    now = time.time_ns() // 1_000_000
    view = describe_view(study, name, trials, metric, importances, now)
    client.set_experiment_tag(experiment, TAG + key_of(study), view)
    for key in _our_views(client.get_experiment(experiment))[_MOST_VIEWS:]:
        remove_view(client, experiment, key)


def remove_view(client: MlflowClient, experiment: str, tag: str) -> None:
    """Deletes the tag of a view that is there; MLflow 2, which cannot delete it, gets an empty one."""
    try:
        client.delete_experiment_tag(experiment, tag)
    except MlflowException as error:
        if not is_unknown_request(error):
            raise
        client.set_experiment_tag(experiment, tag, "")


def _our_views(experiment: Experiment) -> list[str]:
    """The keys of the tags that hold our views, the newest first."""
    made: dict[str, int] = {}
    for key, value in experiment.tags.items():
        if not key.startswith(TAG):
            continue
        try:
            view = json.loads(value)
            if "run" in view:  # a view that a person has saved has no such member
                made[key] = int(view["createdAt"])
        except (ValueError, KeyError, TypeError):
            continue
    return sorted(made, key=lambda key: made[key], reverse=True)


def _addresses(experiment: str, study: str) -> Pages:
    runs = f"/#/experiments/{experiment}/runs"
    view = f"{runs}?{_WORKFLOW}&viewStateShareKey={key_of(study)}"
    return Pages(view, f"{view}&compareRunsMode=CHART", f"{runs}/{study}?{_WORKFLOW}")
