"""Uploads the best model and decides whether it becomes the champion of its registered name."""

import json
import math
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import LoggedModel, LoggedModelOutput
from mlflow.exceptions import MlflowException
from mlflow.models import Model
from mlflow.utils.mlflow_tags import MLFLOW_MODEL_VERSIONS

from pipeline.tracking.runs import Runs

CHAMPION = "champion"


@dataclass(frozen=True)
class ModelDecision:
    """The registered version (0: none, the reason says why), whether it is the champion now, and why."""

    version: int
    champion: bool
    reason: str


def register(runs: Runs, folder: Path, name: str, value: float, digest: str, tags: Mapping[str, str]) -> ModelDecision:
    """Uploads an MLflow model folder as the model of the study's run and registers it as the next version of ``name``.

    ``value`` and ``digest`` (of the data it was measured on) go with it as tags, and decide about the champion.
    """
    tags = {**tags, "value": repr(value), "digest": digest}
    version = _new_version(runs, name, _upload(runs, folder, tags), tags)
    return _crown(runs.client, name, version, value, digest)


def _upload(runs: Runs, folder: Path, tags: Mapping[str, str]) -> LoggedModel:
    client = runs.client
    logged = client.create_logged_model(runs.experiment, name="model", source_run_id=runs.study, tags=dict(tags))
    try:
        client.log_outputs(runs.study, [LoggedModelOutput(logged.model_id, step=0)])
        client.log_model_artifacts(logged.model_id, str(folder))
        _send_description(runs, folder, logged.model_id, logged.artifact_location)
    except BaseException:
        client.finalize_logged_model(logged.model_id, "FAILED")
        raise
    return client.finalize_logged_model(logged.model_id, "READY")


def _send_description(runs: Runs, folder: Path, model_id: str, location: str) -> None:
    """The worker that wrote ``MLmodel`` could not know its ids; with them it is sent again, over the first."""
    model = Model.load(str(folder))
    model.model_id = model.model_uuid = model_id
    model.run_id, model.artifact_path = runs.study, location
    with tempfile.TemporaryDirectory() as beside:
        file = Path(beside, "MLmodel")
        model.save(str(file))
        runs.client.log_model_artifact(model_id, str(file))


def _new_version(runs: Runs, name: str, model: LoggedModel, tags: Mapping[str, str]) -> int:
    client = runs.client
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    # Its place rather than models:/ID, which an SQLite store looks up in the global tracking URI, not in its own.
    source = model.artifact_location
    made = client.create_model_version(name, source, runs.study, tags=dict(tags), model_id=model.model_id)
    link = json.dumps([{"name": name, "version": made.version}])
    client.set_logged_model_tags(model.model_id, {MLFLOW_MODEL_VERSIONS: link})
    return int(made.version)


def _crown(client: MlflowClient, name: str, version: int, value: float, digest: str) -> ModelDecision:
    """Gives the alias to ``version`` if nobody has it, or if it beats who has it on the same data.

    The same data is the same digest. Another seed splits it otherwise, so that the two were measured on other
    validation images of the same kind; they are compared all the same.
    """
    holder = client.get_registered_model(name).aliases.get(CHAMPION)
    champion, why = True, f"the first {CHAMPION} of {name}"
    if holder is not None:
        rival = client.get_model_version(name, str(holder))
        champion, why = _compare(rival.tags, f"version {holder}", value, digest)
        if not champion and rival.tags.get("digest") != digest:
            why += f"; if it is to be version {version}: {_by_hand(name, version)}"
    if champion:
        client.set_registered_model_alias(name, CHAMPION, str(version))
    return ModelDecision(version, champion, why)


def _compare(rival: Mapping[str, str], holder: str, value: float, digest: str) -> tuple[bool, str]:
    """Whether ``value`` beats the champion whose tags are given, and why. Values on other data do not compare."""
    stays = f"{holder} stays {CHAMPION}"
    if rival.get("digest") != digest:
        return False, f"{stays}: it was measured on other data and does not compare"
    best = _number(rival.get("value", ""))
    if math.isnan(best):
        return False, f"{stays}: its tag 'value' is no number, so it does not compare"
    if value > best:
        return True, f"{value:.4f} beats {best:.4f} of {holder}"
    return False, f"{stays}: {value:.4f} does not beat its {best:.4f}"


def _by_hand(name: str, version: int) -> str:
    """The command that makes ``version`` the champion; it goes to the store in MLFLOW_TRACKING_URI, as a study does."""
    call = f"set_registered_model_alias({name!r}, {CHAMPION!r}, {str(version)!r})"
    return f'python -c "import mlflow; mlflow.MlflowClient().{call}"'


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
