"""Writes a study and its trials to MLflow while they run: one run per study, one child run per trial."""

import shlex
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path

from pipeline.console import warn
from pipeline.data import Dataset
from pipeline.errors import StoreAwayError, TrackingError, without_password
from pipeline.study.record import TrialRecord, ranked
from pipeline.study.trial import BatchReport, EpochReport, TrialState
from pipeline.tracking import mirror, registry
from pipeline.tracking.client import open_client, patience, refusal, restore_patience, set_patience, short_reason
from pipeline.tracking.entities import to_metrics
from pipeline.tracking.registry import ModelDecision, Registration
from pipeline.tracking.runs import About, Place, Runs, StudyStatus
from pipeline.tracking.sender import Sender
from pipeline.tracking.store import check_exists, store_uri
from pipeline.tracking.system_usage import SystemUsage
from pipeline.tracking.trial_values import (
    EpochMetrics,
    began,
    drawn_params,
    end_tags,
    start_tags,
    to_milliseconds,
    trial_title,
)

_SECONDS, _LAST_SECONDS = 15, 10
"""How long a server may take to answer, while a study runs and at its end.

One that has fallen silent holds the end up by a write under way and a last attempt, or by the two questions before the
model is registered and a shorter attempt: 36 s at most, unless it falls silent while it takes the model.
"""


def connect(uri: str | None = None) -> "Tracker":
    """A tracker for the store at ``uri``, else ``$MLFLOW_TRACKING_URI``, else ``mlflow.db`` in the current folder.

    The experiment is ``$MLFLOW_EXPERIMENT_NAME``, else ``convtune``. Raises TrackingError within seconds when the store
    does not answer or cannot be used. Creating ``mlflow.db`` takes 2 s more (measured), for MLflow's migrations.
    """
    tracker = Tracker(store_uri(uri))
    tracker.open()
    return tracker


def connect_or_wait() -> "Tracker":
    """The same for a study that begins: it does not need a store on another machine, which may answer later.

    One line says that the runs follow, or why they do not. TrackingError for an address that names no store, and for a
    file that cannot be used.
    """
    tracker = Tracker(store_uri(None))
    try:
        tracker.open()
    except StoreAwayError as error:
        if error.passes:
            warn(f"{error}; the study begins, and its runs follow once MLflow answers")
        else:
            warn(f"{error}; the study begins without MLflow, and `convtune sync` sends its runs later")
            tracker.mute()
    return tracker


@patience()
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
        raise refusal(store, error) from None


class Tracker:
    """Writes one study to MLflow, as a listener of its search. Methods return at once and never raise, unless noted.

    One thread sends everything, in order; ``problems`` says what did not arrive.
    """

    def __init__(self, uri: str) -> None:
        self._uri, self._store = uri, without_password(uri)
        self._runs = Runs()
        self._sender = Sender(self._store, self._runs.log_trial, self._runs.answers)
        self._muted, self._patience = False, _SECONDS
        self._epochs: dict[int, EpochMetrics] = {}
        self._usage = SystemUsage()
        self._about: About | None = None

    def open(self) -> None:
        """Opens the store, now rather than with the first write. Raises TrackingError."""
        self._runs.use(*open_client(self._uri))

    def mute(self) -> None:
        """Leaves out everything: the store has refused, and the user knows."""
        self._muted = True
        self._sender.stop(f"{self._store}: MLflow has refused")

    @property
    def run(self) -> str:
        """The id of the study's run, "" before there is one."""
        return self._runs.study

    @property
    def problems(self) -> list[str]:
        """Everything that is missing in MLflow and why, one line each; complete after ``close``."""
        if self._muted:
            return []
        refused = self._runs.files.refused if self._runs.opened else ""
        return [*([f"{self._store}: {refused}"] if refused else []), *self._sender.problems]

    def begin_study(self, about: About, run_id: str | None, begun: Callable[[str], None] = lambda run: None) -> None:
        """Creates the study's run, or continues ``run_id``, or one with the study's id, if it still exists.

        ``begun`` is called with the run's id, in the thread that sends. Trials that an interrupted session left running
        are ended. If ``mlflow run`` has made a run for this process, that one is used; else a new one is a child of the
        run ``about.active``. One line says of each such wish that is not met why.
        The job's keys become params; since MLflow's params cannot change, one whose value differs from an earlier
        session becomes a tag.
        """
        self._about = about
        self._sender.put("study's run", partial(self._begin, about, run_id, begun), vital=True)

    def _begin(self, about: About, run_id: str | None, begun: Callable[[str], None]) -> None:
        if not self._runs.opened:
            self._runs.use(*open_client(self._uri))
        # The sender repeats: the client would not see what was only unheard.
        set_patience(retries=0, seconds=self._patience)
        begun(self._runs.begin_study(about, run_id))
        for line in self._runs.remarks:
            warn(line)

    def trial_started(self, record: TrialRecord) -> None:
        """Creates the run of a trial. It replaces the run that an interrupted trial of the same number has left."""
        number = record.number
        self._epochs[number] = EpochMetrics()
        self._usage.begin(number)
        create = partial(self._runs.create_trial, number, self._title(record), start_tags(record), began(record))
        self._sender.put(f"run of trial {number}", create)
        self._sender.put(f"params of trial {number}", partial(self._runs.log_trial, number, [], drawn_params(record)))

    def _title(self, record: TrialRecord) -> str:
        return trial_title(record, self._about.label if self._about is not None else "")

    def epoch_ended(self, record: TrialRecord, report: EpochReport) -> None:
        """Writes an epoch's metrics, with the epoch as step, within a second."""
        self._usage.sample()
        usage = self._usage.take(record.number)
        metrics = self._epochs.setdefault(record.number, EpochMetrics()).after_epoch(record, report, _now(), usage)
        self._sender.put_metrics(record.number, metrics)

    def progressed(self, record: TrialRecord, report: BatchReport) -> None:
        """Nothing is sent within an epoch, but the use of the machine is measured."""
        self._usage.sample()

    def trial_ended(self, record: TrialRecord) -> None:
        """Writes ``score``, ``seconds`` and ``epochs``, the device and the reason, names the run, and ends it.

        The status is FINISHED for a complete trial, KILLED for a pruned or interrupted one, FAILED for a failed one.
        """
        number, result = record.number, record.result
        now = max(_now(), began(record))  # the clock may have been set back
        self._usage.end(number, result.device)
        self._sender.put_metrics(number, self._epochs.pop(number, EpochMetrics()).at_the_end(record, now))
        end = partial(self._runs.end_trial, number, result.state, end_tags(record), now, self._title(record))
        self._sender.put(f"end of trial {number}", end)

    def bring_level(self, records: Sequence[TrialRecord], read_history: Callable[[int], Sequence[EpochReport]]) -> None:
        """Writes the runs that are missing or differ from these records, as after ``kill -9``; of ended trials only.

        ``read_history`` gives the epochs of a trial. It is called later, in the thread that sends.
        """
        for record in records:
            if record.state is not TrialState.RUNNING:
                title = self._title(record)
                renew = partial(mirror.renew, self._runs, record, partial(read_history, record.number), title)
                self._sender.put(f"run of trial {record.number}", renew)

    def rank(self, records: Sequence[TrialRecord], leaderboard: Mapping[str, object]) -> None:
        """Writes the tag ``rank`` of every trial (1 is the best), the tag ``best`` on the best one, and a leaderboard.

        ``leaderboard`` has ``columns`` and ``data``, as the UI shows a table. In a study that minimises costs, the
        tag ``pareto_front`` says whether a trial is on the front. This takes one write for each trial whose place has
        changed: call it at the end rather than after every trial.
        """
        places = {
            record.number: Place(rank, record.front if record.objective.minimized else None)
            for rank, record in enumerate(ranked(records), start=1)
        }
        self._sender.put("ranks", partial(self._runs.rank, places))
        self._sender.put("leaderboard", partial(self._runs.log_leaderboard, leaderboard))

    def log_artifact(self, path: Path, folder: str = "") -> None:
        """Uploads a file, or a folder with all its content, to the study's run, under its own name below ``folder``.

        The folder ``plots`` becomes ``plots/``; with "plots" as ``folder`` it would become ``plots/plots/``.
        It is read later, so it must not be removed before ``close``.
        """
        self._sender.put(str(path), partial(self._runs.log_file, path, folder))

    def remove_artifacts(self, folder: str, names: Collection[str]) -> None:
        """Removes the files of these names that an earlier session has sent to ``folder`` of the study's run."""
        self._sender.put(f"removal of old {folder}", partial(self._runs.remove_files, folder, names))

    def end_study(
        self,
        status: StudyStatus,
        metrics: Mapping[str, float],
        description: str = "",
        importances: Mapping[str, float] | None = None,
    ) -> None:
        """Writes the study's metrics and its description, prepares the UI's view of it, and ends its run.

        ``description`` is Markdown; "" leaves the one that there is. ``status`` KILLED means that the study was
        interrupted. Trials that still run are ended too: as KILLED if the study is, else as FAILED. The view has the
        most important hyperparameters, as far as ``importances`` are known.
        """
        now = _now()
        end = partial(self._runs.end_study, status, to_metrics(metrics, now), description, importances or {}, now)
        self._sender.put("end of study", end)

    def register_best(self, model_folder: Path, registration: Registration) -> ModelDecision:
        """Uploads an MLflow model folder as the study's model and registers it, perhaps as the champion.

        Waits until that is done. If MLflow refuses, the decision is version 0 with the reason. A model takes longer
        than other writes, and one lost answer should not lose it: so MLflow's client repeats what fails.
        """
        register = patience()(partial(registry.register, self._runs, model_folder, registration))
        try:
            self._sender.call(self._runs.ask, attempts=2)  # a store that is silent already is not waited for so long
            return self._sender.call(register)
        except Exception as error:
            why = error if isinstance(error, TrackingError) else short_reason(error)
            later = f"; `convtune sync {shlex.quote(registration.study)}` registers it" if self._sender.away else ""
            return ModelDecision(0, False, f"not registered: {why}{later}")

    @property
    def renewed(self) -> int:
        """How many runs of trials ``bring_level`` has written; complete after ``close``."""
        return len(self._runs.renewed)

    def has_registered(self, trial: int) -> bool:
        """Whether the study's run has registered the model of this trial. Waits for MLflow; raises TrackingError."""
        return self._sender.call(partial(registry.has_registered, self._runs, trial), attempts=2)

    @patience()
    def push(self, model_folder: Path, registration: Registration, alias: str, dataset: Dataset | None) -> str:
        """Registers an MLflow model folder in a run of its own, and gives it the alias; returns a sentence.

        ``dataset`` is the one that the scores were measured on, None if it is not at hand. Needs no study: nothing else
        is sent meanwhile, so this thread does it. Waits until that is done; raises TrackingError.
        """
        name = f"export of trial {registration.tags['trial']} of {registration.study}"
        try:
            with self._runs.exporting(name, dataset):
                return registry.push(self._runs, model_folder, registration, alias)
        except TrackingError as error:
            raise TrackingError(f"{self._store}: {error}") from None
        except Exception as error:
            raise refusal(self._store, error) from None

    def close(self) -> None:
        """Sends what is left and ends the sending thread. No other method may be called afterwards.

        A store that does not answer is tried once more, for seconds; one may have fallen silent unnoticed.
        """
        self._patience = 5 if self._sender.away else _LAST_SECONDS
        set_patience(retries=0, seconds=self._patience)
        try:
            self._sender.close()
        finally:
            restore_patience()


def _now() -> int:
    return to_milliseconds(time.time())
