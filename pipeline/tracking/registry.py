"""Uploads the best model and decides whether it becomes the champion of its registered name; or makes it so."""

import json
import math
import shlex
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import LoggedModel, LoggedModelOutput
from mlflow.exceptions import MlflowException
from mlflow.models import Model
from mlflow.utils.mlflow_tags import MLFLOW_MODEL_VERSIONS

from pipeline.metrics import Metric
from pipeline.tracking.runs import Runs

CHAMPION = "champion"
"""The alias of the best version of a registered name."""


@dataclass(frozen=True)
class ModelDecision:
    """The registered version, whether it is the champion now, and why. Version 0 means that it is not registered."""

    version: int
    champion: bool
    reason: str


@dataclass(frozen=True)
class Registration:
    """The best model of a study, for the registered name ``name``; what is said of it becomes tags of its version.

    ``score`` by ``metric``, and ``digest``, which stands for the pictures and their split whatever the image size,
    decide whether it becomes the champion. ``study`` is how a command names the study; ``caveat`` is a sentence about
    a model that was not trained to its end, else "".
    """

    name: str
    study: str
    score: float
    metric: Metric
    digest: str
    tags: Mapping[str, str]
    caveat: str = ""


def register(runs: Runs, folder: Path, registration: Registration) -> ModelDecision:
    """Uploads an MLflow model folder as the model of the study's run and registers it as the next version."""
    if runs.files_refused:
        return ModelDecision(0, False, "not registered: MLflow's artifact store cannot be used")
    own = {"score": repr(registration.score), "metric": registration.metric.name, "digest": registration.digest}
    tags = {**registration.tags, **own, **({"caveat": registration.caveat} if registration.caveat else {})}
    version = _create_version(runs, registration, _upload(runs, folder, tags), tags)
    return _decide(runs.client, registration, version)


def promote(client: MlflowClient, run: str) -> str | None:
    """Makes the model that a study's run registered last the champion; returns a sentence, None if there is none."""
    versions = client.search_model_versions(f"run_id = '{run}'") if run else []
    if not versions:
        return None
    name, version = (latest := max(versions, key=lambda one: one.creation_timestamp)).name, str(latest.version)
    before = client.get_registered_model(name).aliases.get(CHAMPION)
    client.set_registered_model_alias(name, CHAMPION, version)
    was = "" if before is None else " already" if str(before) == version else f", instead of version {before}"
    return f"version {version} of {name} is the {CHAMPION}{was}"


def _upload(runs: Runs, folder: Path, tags: Mapping[str, str]) -> LoggedModel:
    client = runs.client
    logged = client.create_logged_model(runs.experiment, name="model", source_run_id=runs.study, tags=dict(tags))
    try:
        client.log_outputs(runs.study, [LoggedModelOutput(logged.model_id, step=0)])
        client.log_model_artifacts(logged.model_id, str(folder))
        _upload_description(runs, folder, logged.model_id, logged.artifact_location)
    except BaseException:
        client.finalize_logged_model(logged.model_id, "FAILED")
        raise
    return client.finalize_logged_model(logged.model_id, "READY")


def _upload_description(runs: Runs, folder: Path, model_id: str, location: str) -> None:
    """Uploads ``MLmodel`` again, with the ids that were unknown to the worker that wrote it."""
    model = Model.load(str(folder))
    model.model_id = model.model_uuid = model_id
    model.run_id, model.artifact_path = runs.study, location
    with tempfile.TemporaryDirectory() as temporary:
        file = Path(temporary, "MLmodel")
        model.save(str(file))
        runs.client.log_model_artifact(model_id, str(file))


def _create_version(runs: Runs, registration: Registration, model: LoggedModel, tags: Mapping[str, str]) -> int:
    client, name = runs.client, registration.name
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    # The location, not models:/ID, which an SQLite store would look up in the global tracking URI, not in its own.
    source, about = model.artifact_location, registration.caveat or None
    version = client.create_model_version(
        name, source, runs.study, tags=dict(tags), model_id=model.model_id, description=about
    )
    link = json.dumps([{"name": name, "version": version.version}])
    client.set_logged_model_tags(model.model_id, {MLFLOW_MODEL_VERSIONS: link})
    return int(version.version)


def _decide(client: MlflowClient, registration: Registration, version: int) -> ModelDecision:
    """Gives the alias to ``version`` if no version has it, or if ``version`` beats the champion on the same data.

    The same data means the same digest. Another seed splits the data differently, so that the two scores come from
    different validation images of the same kind; they are compared nevertheless.
    """
    name, score, metric = registration.name, registration.score, registration.metric
    current = client.get_registered_model(name).aliases.get(CHAMPION)
    champion, reason = True, f"the first {CHAMPION}"
    if current is not None:
        tags, holder = client.get_model_version(name, str(current)).tags, f"version {current}"
        champion = False
        if obstacle := _why_incomparable(tags, metric, registration.digest):
            by_hand = (
                f"to make version {version} the {CHAMPION}, run: convtune promote {shlex.quote(registration.study)}"
            )
            reason = f"{holder} stays {CHAMPION}: {obstacle}, so the scores cannot be compared; {by_hand}"
        elif metric.better(score, best := float(tags["score"])):
            champion, reason = True, f"{score:.4f} beats {best:.4f} of {holder}"
        else:
            reason = f"{holder} stays {CHAMPION}: {score:.4f} does not beat its {best:.4f}"
    if champion:
        client.set_registered_model_alias(name, CHAMPION, str(version))
    return ModelDecision(version, champion, reason)


def _why_incomparable(champion: Mapping[str, str], metric: Metric, digest: str) -> str:
    """Why a score on the data of ``digest`` cannot be compared with that of the champion, by its tags; "" if it can."""
    if champion.get("digest") != digest:
        return "it was measured on other data"
    if not _is_number(champion.get("score", "")):
        return "its tag 'score' is not a number"
    if champion.get("metric") != metric.name:
        return f"it was scored by {champion.get('metric', 'an unknown metric')}, not by {metric.name}"
    return ""


def _is_number(text: str) -> bool:
    try:
        return not math.isnan(float(text))
    except ValueError:
        return False
