"""Sends a model's files to MLflow: as a logged model, or as artifacts of the run where the server keeps no such."""

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import LoggedModel, LoggedModelOutput, LoggedModelStatus
from mlflow.exceptions import MlflowException
from mlflow.models import Model

from pipeline.console import note
from pipeline.errors import TrackingError, without_password
from pipeline.tracking.client import explain_refused_files
from pipeline.tracking.entities import to_params
from pipeline.tracking.faults import is_unknown_request
from pipeline.tracking.once import create_once
from pipeline.tracking.runs import Runs


@dataclass(frozen=True)
class SentModel:
    """Where the files of a model are in MLflow. ``id`` is that of its logged model, None if the server keeps none."""

    source: str
    id: str | None


def send_model(runs: Runs, folder: Path, tags: Mapping[str, str], params: Mapping[str, object]) -> SentModel:
    """Uploads an MLflow model folder as a model of the study's run, with these tags and params.

    A server without logged models, which MLflow has since 3.0, gets the files as artifacts of that run; a line says so.
    TrackingError where it is the artifact store that cannot be used; whatever MLflow raises where it is MLflow.
    """
    try:
        model = _create_logged(runs, tags, {param.key: param.value for param in to_params(params)})
    except MlflowException as error:
        if not is_unknown_request(error):
            raise
        server = without_password(runs.client.tracking_uri)
        note(f"{server} keeps no logged models (MLflow 2?): the model is an artifact of its run")
        return _send_artifacts(runs, folder, f"models/{_model_name(tags)}")
    _send_logged(runs, folder, model)
    return SentModel(model.artifact_location, model.model_id)


def logged_models(client: MlflowClient, experiment: str, run: str) -> list[LoggedModel]:
    """The logged models of a run; none where the server keeps none."""
    try:
        return list(client.search_logged_models([experiment], f"source_run_id = '{run}'"))
    except MlflowException as error:
        if not is_unknown_request(error):
            raise
        return []


def _create_logged(runs: Runs, tags: Mapping[str, str], params: dict[str, str]) -> LoggedModel:
    client, name = runs.client, _model_name(tags)

    def find() -> LoggedModel | None:
        empty = [model for model in logged_models(client, runs.experiment, runs.study) if _is_empty(model, name, tags)]
        return max(empty, key=lambda model: model.creation_timestamp, default=None)

    return create_once(lambda: client.create_logged_model(runs.experiment, name, runs.study, dict(tags), params), find)


def _is_empty(model: LoggedModel, name: str, tags: Mapping[str, str]) -> bool:
    """Whether the model is of this name and these tags, and still waits for its files."""
    return (model.name, model.status) == (name, LoggedModelStatus.PENDING) and tags.items() <= model.tags.items()


def _add_output(runs: Runs, id: str) -> None:
    """Notes the model as an output of the run, which MLflow refuses for the second time."""

    def find() -> bool | None:
        outputs = runs.client.get_run(runs.study).outputs
        return True if outputs and id in {output.model_id for output in outputs.model_outputs} else None

    create_once(lambda: runs.client.log_outputs(runs.study, [LoggedModelOutput(id, step=0)]), find)


def _send_logged(runs: Runs, folder: Path, model: LoggedModel) -> None:
    client, id = runs.client, model.model_id
    try:
        _add_output(runs, id)
        _upload(runs, model.artifact_location, lambda: client.log_model_artifacts(id, str(folder)))
        with _described(runs, folder, model.artifact_location, id) as file:
            client.log_model_artifact(id, str(file))
    except BaseException:
        client.finalize_logged_model(id, "FAILED")
        raise
    client.finalize_logged_model(id, "READY")


def _send_artifacts(runs: Runs, folder: Path, place: str) -> SentModel:
    """Uploads to a folder of the trial's own: a study that goes on may register another trial's model."""
    client = runs.client
    source = f"{client.get_run(runs.study).info.artifact_uri}/{place}"
    _upload(runs, source, lambda: client.log_artifacts(runs.study, str(folder), place))
    with _described(runs, folder, place, None) as file:
        client.log_artifact(runs.study, str(file), place)
    return SentModel(source, None)


def _upload(runs: Runs, location: str, send: Callable[[], object]) -> None:
    try:
        send()
    except Exception as error:
        runs.client.get_run(runs.study)  # raises if MLflow is gone
        raise TrackingError(explain_refused_files(location, error, "the model is not registered")) from None


def _model_name(tags: Mapping[str, str]) -> str:
    """The name in MLflow's list of models: the study and the trial, without what MLflow refuses in it."""
    name = f"{tags['study']}-trial-{tags['trial']}" if {"study", "trial"} <= tags.keys() else "model"
    return re.sub(r"[/:.%\"']", "-", name)


@contextmanager
def _described(runs: Runs, folder: Path, location: str, id: str | None) -> Iterator[Path]:
    """The file ``MLmodel`` with the ids that were unknown to the worker that wrote it, while the block sends it."""
    model = Model.load(str(folder))
    if id is not None:
        model.model_id = model.model_uuid = id
    model.run_id, model.artifact_path = runs.study, location
    with tempfile.TemporaryDirectory() as temporary:
        file = Path(temporary, "MLmodel")
        model.save(str(file))
        yield file
