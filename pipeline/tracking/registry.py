"""Uploads the best model and decides whether it becomes the champion of its registered name; or makes it so."""

import json
import math
import shlex
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Metric
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_MODEL_VERSIONS, MLFLOW_RUN_NOTE

from pipeline.metrics import Metric as StudyMetric
from pipeline.tracking.once import create_once
from pipeline.tracking.runs import Runs
from pipeline.tracking.sent_model import SentModel, send_model

CHAMPION = "champion"
"""The alias of the best version of a registered name."""


_NO_CHAMPION, _REPLACED = f"not_{CHAMPION}", "replaced_by"
"""Tags of versions: why one did not become the champion, and which one has taken its place."""


@dataclass(frozen=True)
class ModelDecision:
    """The registered version, whether it is the champion now, and why. Version 0 means that it is not registered."""

    version: int
    champion: bool
    reason: str


@dataclass(frozen=True)
class Registration:
    """A model that becomes the next version of the registered name ``name``, and what the registry says of it.

    - ``study`` is the study's name, or its path, as commands take it.
    - ``score`` is the model's on the validation images, by ``metric``. ``test_scores`` are those on the test images of
      the same data, by metric; none where they were not measured.
    - ``data`` is the name of the dataset, and ``digest`` stands for its files and splits, whatever the image size
      (``Dataset.content``; "": not known). A score is compared only with a champion's of the same digest and metric.
    - ``params`` are those of the trial; ``channels`` is 1 for grey pictures and 3 for RGB.
    - ``caveat`` goes on after "It was", as in "trained for 3 of 10 epochs"; "" for a model that was trained to its end.
    - ``tags`` are more tags of the version: ``study`` and ``trial`` name the model in MLflow's list of models.
    """

    name: str
    study: str
    score: float
    metric: StudyMetric
    digest: str
    tags: Mapping[str, str]
    caveat: str = ""
    data: str = ""
    test_scores: Mapping[str, float] = field(default_factory=dict)
    params: Mapping[str, object] = field(default_factory=dict)
    channels: int = 3

    def describe(self) -> str:
        """What the model is and how good, in two sentences."""
        scores = [f"validation {self.metric.label} {self.score:.4f}"]
        if self.metric.name in self.test_scores:
            scores.append(f"test {self.metric.label} {self.test_scores[self.metric.name]:.4f}")
        trial = f"trial {self.tags['trial']} of " if "trial" in self.tags else ""
        origin = f"Model of {trial}the study {self.study}" + (f" on {self.data}" if self.data else "")
        return f"{origin}: {', '.join(scores)}." + (f" It was {self.caveat}." if self.caveat else "")

    def as_tags(self) -> dict[str, str]:
        """All that is said of the model, as tags."""
        own = {"score": repr(self.score), "metric": self.metric.name, "digest": self.digest, "data": self.data}
        tests = {f"test_{name}": f"{score:.6g}" for name, score in self.test_scores.items()}
        return {**self.tags, **tests, **{name: text for name, text in own.items() if text}} | (
            {"caveat": self.caveat} if self.caveat else {}
        )

    def as_metrics(self) -> dict[str, float]:
        """Its scores, by the names that the study's run has for them."""
        return {self.metric.logged_as: self.score} | {f"test_{name}": one for name, one in self.test_scores.items()}


def register(runs: Runs, folder: Path, registration: Registration) -> ModelDecision:
    """Uploads an MLflow model folder as the model of the study's run and registers it as the next version."""
    if runs.files.refused:
        return ModelDecision(0, False, "not registered: MLflow's artifact store cannot be used")
    tags = registration.as_tags()
    sent = _send(runs, folder, registration)
    version = _create_version(runs, registration, sent, tags)
    return _decide(runs.client, registration, version)


def has_registered(runs: Runs, trial: int) -> bool:
    """Whether the study's run has registered the model of this trial."""
    versions = runs.client.search_model_versions(f"run_id = '{runs.study}'")
    return any(version.tags.get("trial") == str(trial) for version in versions)


def push(runs: Runs, folder: Path, registration: Registration, alias: str) -> str:
    """Uploads an MLflow model folder as a model of the run, registers it as the next version, and gives it the alias.

    Returns a sentence that says so.
    """
    sent = _send(runs, folder, registration)
    name, version = registration.name, str(_create_version(runs, registration, sent, registration.as_tags()))
    before = runs.client.get_registered_model(name).aliases.get(alias)
    if alias == CHAMPION:
        _crown(runs.client, name, version, "pushed by hand")
    else:
        runs.client.set_registered_model_alias(name, alias, version)
    return f"version {version} of {name} is its {alias} now{'' if before is None else f', instead of version {before}'}"


def promote(client: MlflowClient, run: str) -> str | None:
    """Makes the model that a study's run registered last the champion; returns a sentence, None if there is none."""
    versions = client.search_model_versions(f"run_id = '{run}'") if run else []
    if not versions:
        return None
    name, version = (latest := max(versions, key=lambda one: one.creation_timestamp)).name, str(latest.version)
    before = client.get_registered_model(name).aliases.get(CHAMPION)
    if str(before) != version:
        _crown(client, name, version, f"promoted by hand{'' if before is None else f' instead of version {before}'}")
    was = "" if before is None else " already" if str(before) == version else f", instead of version {before}"
    return f"version {version} of {name} is the {CHAMPION}{was}"


def _crown(client: MlflowClient, name: str, version: str, reason: str) -> None:
    """Moves the alias, and notes on both versions what has happened: the alias itself has no history."""
    before = client.get_registered_model(name).aliases.get(CHAMPION)
    client.set_registered_model_alias(name, CHAMPION, version)
    for outdated in {_NO_CHAMPION, _REPLACED} & client.get_model_version(name, version).tags.keys():
        client.delete_model_version_tag(name, version, outdated)
    client.set_model_version_tag(name, version, CHAMPION, reason)
    if before is not None:
        client.set_model_version_tag(name, version, "champion_before", str(before))
        client.set_model_version_tag(name, str(before), _REPLACED, version)


def _send(runs: Runs, folder: Path, registration: Registration) -> SentModel:
    described = registration.as_tags() | {MLFLOW_RUN_NOTE: registration.describe()}
    sent = send_model(runs, folder, described, registration.params)
    _log_scores(runs, registration, sent)
    return sent


def _log_scores(runs: Runs, registration: Registration, model: SentModel) -> None:
    """The scores of the model, on the dataset of the study: its own page and the list of models show them."""
    now, dataset = time.time_ns() // 1_000_000, runs.dataset.dataset if runs.dataset is not None else None
    name, digest = (dataset.name, dataset.digest) if dataset is not None else (None, None)
    scores = registration.as_metrics().items()
    runs.client.log_batch(runs.study, [Metric(key, one, now, 0, model.id, name, digest) for key, one in scores])


def _create_version(runs: Runs, registration: Registration, model: SentModel, tags: Mapping[str, str]) -> int:
    client, name = runs.client, registration.name
    try:
        client.create_registered_model(name, description=_describe_name(name, registration.channels))
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise

    def create() -> ModelVersion:
        # The location, not models:/ID, which an SQLite store would look up in the global tracking URI, not in its own.
        return client.create_model_version(
            name, model.source, runs.study, tags=dict(tags), model_id=model.id, description=registration.describe()
        )

    def find() -> ModelVersion | None:
        versions = client.search_model_versions(f"run_id = '{runs.study}'")
        same = [one for one in versions if (one.name, one.source) == (name, model.source)]
        return next((one for one in same if tags.items() <= one.tags.items()), None)

    version = create_once(create, find)
    if model.id is not None:
        link = json.dumps([{"name": name, "version": version.version}])
        client.set_logged_model_tags(model.id, {MLFLOW_MODEL_VERSIONS: link})
    return int(version.version)


_PORT = 5001
"""Where the commands in a description serve a model: MLflow's UI, which shows them, is at 5000."""


def _describe_name(name: str, channels: int) -> str:
    """The description of a registered name, in Markdown, with the commands that serve a version and ask it.

    The picture goes to curl through a pipe, since no argument of a command may be as long as a photograph.
    """
    pixels = json.dumps([[[[0] * channels]]])
    body = f"""printf '{{"inputs":{pixels},"params":{{"images":["'; base64 < photo.jpg | tr -d '\\n'; printf '"]}}}}'"""
    address = f"http://127.0.0.1:{_PORT}/invocations"
    return (
        f"The best models of convtune's studies of these pictures. `{CHAMPION}` is the best of those that were "
        "measured on the same files and splits. Each version's tags say why it is the champion, or why not, and which "
        "version it followed.\n\nServe a version by its number or by an alias that it has, as in "
        f"`{shlex.quote(f'models:/{name}@{CHAMPION}')}`; then send it image files in base64 (MLflow wants `inputs` "
        "too; beside `images` they are not looked at), or pixels from 0 to 255 as `inputs` alone:\n\n"
        f"    mlflow models serve -m {shlex.quote(f'models:/{name}/1')} --env-manager local --port {_PORT}\n"
        f"    ({body}) | curl {address} -H 'Content-Type: application/json' -d @-\n"
    )


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
        _crown(client, name, str(version), reason)
    else:
        client.set_model_version_tag(name, str(version), _NO_CHAMPION, reason)
    return ModelDecision(version, champion, reason)


def _why_incomparable(champion: Mapping[str, str], metric: StudyMetric, digest: str) -> str:
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
