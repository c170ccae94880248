"""Writes a study and its trials to MLflow while they run: one run per study, one child run per trial."""

import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Metric

from pipeline.data import Dataset
from pipeline.errors import TrackingError
from pipeline.study.record import TrialRecord, ranked
from pipeline.study.trial import EPOCH_LEARNING_RATE, BatchReport, EpochReport
from pipeline.tracking import registry
from pipeline.tracking.client import open_client, short_reason
from pipeline.tracking.entities import to_metrics, to_params, to_tags
from pipeline.tracking.registry import ModelDecision, Registration
from pipeline.tracking.runs import Place, Runs, StudyStatus
from pipeline.tracking.sender import Sender
from pipeline.tracking.store import check_exists, store_uri, without_password


def connect(uri: str | None = None) -> "Tracker":
    """A tracker for the store at ``uri``, else ``$MLFLOW_TRACKING_URI``, else ``mlflow.db`` in the current folder.

    The experiment is ``$MLFLOW_EXPERIMENT_NAME``, else ``convtune``. Raises TrackingError within seconds when the store
    does not answer or cannot be used. Creating ``mlflow.db`` takes 2 s more (measured), for MLflow's migrations.
    """
    store = store_uri(uri)
    client, experiment = open_client(store)
    return Tracker(client, experiment, without_password(store))


def promote(run: str, uri: str | None = None) -> str | None:
    """Makes the model that a study's run has registered the champion of its name; returns a sentence that says so.

    None when that run has registered no model in the store, which is found as by ``connect``. Raises TrackingError.
    """
    store = store_uri(uri)
    check_exists(store)
    client, _ = open_client(store)
    try:
        return registry.promote(client, run)
    except Exception as error:
        raise TrackingError(f"{without_password(store)}: MLflow refused: {short_reason(error)}") from None


class Tracker:
    """Writes one study to MLflow, as a listener of its search. Methods return at once and never raise, unless noted.

    One thread sends everything, in order; ``problems`` says what did not arrive.
    """

    def __init__(self, client: MlflowClient, experiment: str, store: str) -> None:
        self._store = store
        self._runs = Runs(client, experiment)
        self._sender = Sender(store, self._runs.log_trial)
        self._rates: dict[int, list[Metric]] = {}

    @property
    def problems(self) -> list[str]:
        """Everything that is missing in MLflow and why, one line each; complete after ``close``."""
        refused = self._runs.files_refused
        return [*([f"{self._store}: {refused}"] if refused else []), *self._sender.problems]

    def begin_study(self, name: str, job: Mapping[str, object], dataset: Dataset, run_id: str | None) -> str:
        """Creates the study's run, or continues ``run_id`` if it still exists. Waits for MLflow; returns the run's id.

        Trials that an interrupted session left running are ended. If ``mlflow run`` has made a run for this process,
        that one is used. The job's keys become params; since MLflow's params cannot change, one whose value differs
        from an earlier session becomes a tag. Raises TrackingError.
        """
        try:
            return self._sender.call(partial(self._runs.begin_study, name, job, dataset, run_id))
        except Exception as error:
            raise TrackingError(f"{self._store}: MLflow refused the study's run: {short_reason(error)}") from None

    def trial_started(self, record: TrialRecord) -> None:
        """Creates the run of a trial. It replaces the run that an interrupted trial of the same number has left."""
        number, now = record.number, _now()
        self._rates[number] = []
        family, metric = record.params.get("family"), record.metric.name
        tags = to_tags({"number": number, "seed": record.trial.seed, "family": family, "metric": metric})
        self._sender.put(f"run of trial {number}", partial(self._runs.create_trial, number, tags, now))
        costs, params = to_metrics(record.costs, now), to_params(record.params)
        self._sender.put(f"params of trial {number}", partial(self._runs.log_trial, number, costs, params))

    def epoch_ended(self, record: TrialRecord, report: EpochReport) -> None:
        """Writes an epoch's metrics, with the epoch as step, within a second.

        The learning rate is written once it has changed, then for all epochs: one that stays is a param and no chart.
        """
        now, metrics = _now(), dict(report.metrics)
        rates = self._rates.setdefault(record.number, [])
        rates += to_metrics({EPOCH_LEARNING_RATE: metrics.pop(EPOCH_LEARNING_RATE, None)}, now, report.epoch)
        changed_before, changed = (len({rate.value for rate in some}) > 1 for some in (rates[:-1], rates))
        worth_a_chart = rates[-1:] if changed_before else rates if changed else []
        self._sender.put_metrics(record.number, [*to_metrics(metrics, now, report.epoch), *worth_a_chart])

    def progressed(self, record: TrialRecord, report: BatchReport) -> None:
        """Nothing is sent within an epoch."""

    def trial_ended(self, record: TrialRecord) -> None:
        """Writes ``score``, ``seconds`` and ``epochs``, the device and the reason, and ends the run.

        The status is FINISHED for a complete trial, KILLED for a pruned or interrupted one, FAILED for a failed one.
        """
        number, now, result = record.number, _now(), record.result
        metrics = {"score": result.score, "seconds": result.seconds, "epochs": result.epochs}
        self._sender.put_metrics(number, to_metrics(metrics, now))
        end = partial(self._runs.end_trial, number, result.state, result.reason, result.device, now)
        self._sender.put(f"end of trial {number}", end)

    def rank(self, records: Sequence[TrialRecord]) -> None:
        """Writes the rank of every trial (1 is the best) as a metric and a tag, and the tag ``best`` on the best one.

        In a study that minimises costs, the metric and tag ``pareto_front`` say whether a trial is on the front. This
        takes one write for each trial whose place has changed: call it at the end rather than after every trial.
        """
        places = {
            record.number: Place(rank, record.front if record.objective.minimized else None)
            for rank, record in enumerate(ranked(records), start=1)
        }
        self._sender.put("ranks", partial(self._runs.rank, places, _now()))

    def log_artifact(self, path: Path, folder: str = "") -> None:
        """Uploads a file, or a folder with all its content, to the study's run, under its own name below ``folder``.

        The folder ``plots`` becomes ``plots/``; with "plots" as ``folder`` it would become ``plots/plots/``.
        It is read later, so it must not be removed before ``close``.
        """
        self._sender.put(str(path), partial(self._runs.log_file, path, folder))

    def end_study(self, status: StudyStatus, metrics: Mapping[str, float]) -> None:
        """Writes the study's metrics and ends its run; ``status`` KILLED means that it was interrupted.

        Trials that still run are ended too: as KILLED if the study is, else as FAILED.
        """
        now = _now()
        self._sender.put("end of study", partial(self._runs.end_study, status, to_metrics(metrics, now), now))

    def register_best(self, model_folder: Path, registration: Registration) -> ModelDecision:
        """Uploads an MLflow model folder as the study's model and registers it, perhaps as the champion.

        Waits until that is done. If MLflow refuses, the decision is version 0 with the reason.
        """
        try:
            return self._sender.call(partial(registry.register, self._runs, model_folder, registration))
        except Exception as error:
            return ModelDecision(0, False, f"not registered: {short_reason(error)}")

    def close(self) -> None:
        """Sends what is left and ends the sending thread. No other method may be called afterwards."""
        self._sender.close()


def _now() -> int:
    return time.time_ns() // 1_000_000
