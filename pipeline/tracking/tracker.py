"""Writes a study and its trials to MLflow while they run: one run a study, one child run a trial."""

import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from mlflow import MlflowClient

from pipeline.errors import TrackingError
from pipeline.tracking import entities, registry
from pipeline.tracking.client import open_client, reason
from pipeline.tracking.entities import StudyInfo
from pipeline.tracking.registry import ModelDecision
from pipeline.tracking.runs import Runs
from pipeline.tracking.sender import Sender
from pipeline.tracking.store import shown, store_uri
from pipeline.trial import Outcome, Report, State, Trial

_STATUS = {
    State.COMPLETE: "FINISHED",
    State.PRUNED: "KILLED",
    State.INTERRUPTED: "KILLED",
    State.FAILED: "FAILED",
}


def connect(uri: str | None = None) -> "Tracker":
    """A tracker on the store at ``uri``, else ``$MLFLOW_TRACKING_URI``, else ``mlflow.db`` in the current folder.

    The experiment is ``$MLFLOW_EXPERIMENT_NAME``, else ``convtune``. TrackingError within seconds when the store does
    not answer or cannot be used. A new ``mlflow.db`` takes 2 s more (measured): MLflow makes it by its migrations.
    """
    store = store_uri(uri)
    client, experiment = open_client(store)
    return Tracker(client, experiment, shown(store))


class Tracker:
    """One study's way to MLflow. Its methods return at once and never raise, unless they say so.

    Everything is sent, in order, by one thread; ``troubles`` tells what did not arrive.
    """

    def __init__(self, client: MlflowClient, experiment: str, store: str) -> None:
        self._store = store
        self._runs = Runs(client, experiment)
        self._sender = Sender(store, self._runs.log_trial)

    @property
    def troubles(self) -> list[str]:
        """What is missing in MLflow and why, one line each; complete after ``close``."""
        return self._sender.troubles

    def begin_study(self, info: StudyInfo, run_id: str | None) -> str:
        """Makes the study's run, or goes on in ``run_id`` where that still exists; returns its id when it is there.

        Trials that an interrupted session left running are ended. A run that ``mlflow run`` made for this process is
        used. MLflow's parameters cannot change: one that differs from before becomes a tag. Raises TrackingError.
        """
        try:
            return self._sender.call(partial(self._runs.begin_study, info, run_id))
        except Exception as error:
            raise TrackingError(f"{self._store}: MLflow refused the study's run: {reason(error)}") from None

    def begin_trial(self, trial: Trial, params: Mapping[str, object], costs: Mapping[str, float]) -> None:
        """Makes the run of a trial, in place of an earlier one of the same number, which an interruption left."""
        number, now = trial.number, _now()
        tags = {"number": number, "seed": trial.seed, "family": params.get("family")}
        self._sender.put(f"trial {number}", partial(self._runs.create_trial, number, tags, now))
        values = entities.metrics(costs, now), entities.params(params)
        self._sender.put(f"parameters of trial {number}", partial(self._runs.log_trial, number, *values))

    def report(self, report: Report) -> None:
        """Writes an epoch's metrics, with the epoch as step, within a second."""
        self._sender.put_metrics(report.number, entities.metrics(report.metrics, _now(), report.epoch))

    def end_trial(self, outcome: Outcome) -> None:
        """Writes ``value``, ``seconds`` and ``epochs``, the device and the reason, and ends the run.

        Complete is FINISHED, pruned and interrupted are KILLED, failed is FAILED.
        """
        number, now = outcome.number, _now()
        metrics = {"value": outcome.value, "seconds": outcome.seconds, "epochs": outcome.epochs}
        self._sender.put_metrics(number, entities.metrics(metrics, now))
        tags = entities.tags({"state": str(outcome.state), "device": outcome.device, "reason": outcome.reason})
        end = partial(self._runs.end_trial, number, _STATUS[outcome.state], tags, now)
        self._sender.put(f"end of trial {number}", end)

    def rank(self, ranks: Mapping[int, int], front: Mapping[int, bool] | None = None) -> None:
        """Writes the rank of every trial (by number, 1 is the best) as metric and tag, and ``best`` on the first.

        ``front`` says which are on the Pareto front, in a study that has one: tag and metric ``pareto_front``.
        Costs one write for each trial whose place has changed: call it at the end rather than after every trial.
        """
        self._sender.put("ranks", partial(self._runs.rank, dict(ranks), dict(front or {}), _now()))

    def artifact(self, path: Path, folder: str = "") -> None:
        """Puts a file, or a folder with all that is in it, into the study's run, under its own name below ``folder``.

        So a folder ``plots`` becomes ``plots/``, and with "plots" for ``folder`` it would be ``plots/plots/``. It is
        read later: keep it until ``close``.
        """
        self._sender.put(str(path), lambda: self._runs.client.log_artifact(self._runs.study, str(path), folder or None))

    def end_study(self, status: str, metrics: Mapping[str, float]) -> None:
        """Ends the study's run: ``FINISHED``, ``KILLED`` (interrupted) or ``FAILED``.

        Trials that have not ended are ended too: as ``KILLED`` if the study is, else as ``FAILED``.
        """
        now = _now()
        self._sender.put("end of study", partial(self._runs.end_study, status, entities.metrics(metrics, now), now))

    def register_best(
        self, model_folder: Path, *, name: str, value: float, digest: str, tags: Mapping[str, str]
    ) -> ModelDecision:
        """Uploads an MLflow model folder as the study's model, registers it as ``name``, and maybe makes it champion.

        Waits until that is done. What MLflow refuses comes back as version 0 with the reason.
        """
        try:
            return self._sender.call(lambda: registry.register(self._runs, model_folder, name, value, digest, tags))
        except Exception as error:
            return ModelDecision(0, False, f"not registered: {reason(error)}")

    def close(self) -> None:
        """Sends what is left and ends the sending thread; nothing can be written afterwards."""
        self._sender.close()


def _now() -> int:
    return time.time_ns() // 1_000_000
