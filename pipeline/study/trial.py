"""A trial as requested, its reports while it trains, and its result. All are frozen and small to pickle."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pipeline.hyperparameter import Scalar


class TrialState(StrEnum):
    """The state of a trial; an ``interrupted`` trial is repeated when the study is resumed."""

    RUNNING = "running"
    COMPLETE = "complete"
    PRUNED = "pruned"
    FAILED = "failed"
    INTERRUPTED = "interrupted"

    @property
    def counts_towards_total(self) -> bool:
        """Whether a trial in this state counts towards the study's total number of trials."""
        return self is not TrialState.INTERRUPTED


class Decision(StrEnum):
    """The answer to a trial's report: train on, or end, and how.

    ``prune``: it is too poor to go on. ``finish``: its score is final, so it is as good as trained to its end.
    ``stop``: the study ends, and the trial has not had its chance.
    """

    CONTINUE = "continue"
    PRUNE = "prune"
    FINISH = "finish"
    STOP = "stop"


@dataclass(frozen=True)
class Trial:
    """A request to train one candidate once.

    ``number`` counts the trials of the study from 0. ``epochs`` is the number of epochs to train. ``costs`` are the
    costs of the network by name. ``drawn`` names the params drawn from the space; the others are constants.
    ``source`` says where the params come from, for people: ``search``, ``hand``, ``start point NAME``, ``repeated``
    (a trial that lack of time had shortened), or "" in a study of an older version.
    ``earlier_score`` is that of the model which an interrupted run of this trial has left (None: there is none).
    ``began`` is when it began, in seconds since 1970, and ``slot`` the executor's slot that it takes, counted from 0
    (None: not noted, by an older version), on a cluster only its place among those that train side by side; requests
    that differ in these alone are equal.
    """

    number: int
    params: dict[str, Scalar]
    seed: int
    epochs: int
    costs: Mapping[str, float] = field(default_factory=dict)
    drawn: tuple[str, ...] = ()
    source: str = ""
    earlier_score: float | None = None
    began: float | None = field(default=None, compare=False)
    slot: int | None = field(default=None, compare=False)


EPOCH_LEARNING_RATE = "epoch_learning_rate"
"""The metric of an epoch that is the optimizer's rate at its end; the param ``learning_rate`` is where it begins."""


@dataclass(frozen=True)
class EpochReport:
    """A trial's report after an epoch (counted from 1): metrics by name, and the seconds since the trial began.

    ``model`` is the file that holds the model of the best epoch so far, where one has been saved already ("": none).
    """

    number: int
    epoch: int
    metrics: dict[str, float]
    seconds: float
    model: str = ""


@dataclass(frozen=True)
class BatchReport:
    """A task's report from within an epoch, or from work that has no epochs: ``batch`` of ``batches`` are finished.

    ``number`` is the task's, ``batches`` is None where it is unknown. ``epoch`` counts from 1; ``seconds`` is the time
    since the trial began, ``speed`` batches per second in this epoch (None before the second batch), ``batch_size``
    the images in a batch (None where unknown). ``validating``: the batches have been trained with, and the validation
    images are being predicted.
    """

    number: int
    batch: int
    batches: int | None
    epoch: int = 0
    seconds: float = 0.0
    speed: float | None = None
    batch_size: int | None = None
    validating: bool = False


@dataclass(frozen=True)
class Began:
    """A worker's report that it has warmed up and begins a task; the answer to it does not reach the task."""

    number: int


Report = Began | EpochReport | BatchReport
"""The reports of a task: its worker's first, and its own while it runs."""

ReportCallback = Callable[[Report], Decision]
"""Takes a report and returns the decision. A trial is stopped after any report of its own; the others end it after an
epoch."""


class Fault(StrEnum):
    """Whether something went wrong with a trial, and with what.

    ``error`` is the trial's own: an exception, a dead or stuck worker, or a loss or score that is not finite. With
    ``machine`` the machine was at fault: a full disk, no memory, a GPU that is gone. It says nothing about the params,
    so samplers do not learn from it, and ``--retry-failed`` repeats the trial. A trial is ``cut_off`` if its study
    ended, by Ctrl-C or because its process was killed, before the worker could answer.
    """

    NONE = "none"
    ERROR = "error"
    MACHINE = "machine"
    CUT_OFF = "cut_off"


@dataclass(frozen=True)
class TrialResult:
    """The result of a trial, or what is known of it while it runs.

    ``score`` is that of its best epoch (None if no epoch has a finite one), ``epochs`` the number of finished epochs,
    ``seconds`` how long it took, ``reason`` why it ended before its last epoch (for people only), ``device`` where it
    ran, ``model`` the path of its model file ("" if there is none), ``decision`` the last one that it received,
    ``fault`` what went wrong. ``batch_size`` is that of its training where the one that its params ask for exceeded the
    memory (None: it did not). ``history`` holds its reports; it is not stored.
    """

    number: int
    state: TrialState
    score: float | None = None
    epochs: int = 0
    seconds: float = 0.0
    reason: str = ""
    device: str = ""
    model: str = ""
    decision: Decision = Decision.CONTINUE
    fault: Fault = Fault.NONE
    batch_size: int | None = None
    history: tuple[EpochReport, ...] = ()

    @property
    def batch_note(self) -> str:
        """That it was trained with smaller batches than its params ask for; "" if it was not."""
        return f"batch size {self.batch_size}, since larger ones exceeded the memory" if self.batch_size else ""

    @property
    def remark(self) -> str:
        """All that is to be said of it, for people: why it ended, and its batches."""
        return "; ".join(filter(None, [self.reason, self.batch_note]))


@dataclass(frozen=True)
class Ending:
    """The state in which a trial ends, and whether the model of its best epoch is kept."""

    state: TrialState
    keeps_model: bool


def ending(decision: Decision, epochs: int, fault: Fault = Fault.NONE) -> Ending:
    """How a trial ends, given its last decision, the number of finished epochs, and whether there was a fault.

    ======== ====== ======= =========== ========== ======= ==================
    decision epochs fault   state       model kept counted repeated on resume
    ======== ====== ======= =========== ========== ======= ==================
    continue 1+     none    complete    yes        yes     no
    finish   1+     none    complete    yes        yes     no
    prune    1+     none    pruned      no         yes     no
    stop     1+     none    interrupted yes        no      yes
    stop     0      none    interrupted no         no      yes
    continue 0      none    failed      no         yes     no
    finish   0      none    failed      no         yes     no
    prune    0      none    failed      no         yes     no
    any      any    error   failed      no         yes     no
    any      any    machine failed      no         yes     no
    any      any    cut_off interrupted no         no      yes
    ======== ====== ======= =========== ========== ======= ==================

    Only finished epochs count: a trial that is stopped within its third epoch has two. A training that its own callback
    ends early is complete: its last decision was ``continue``. So is one that plateaus, diverges or reaches the score
    that the study was after: it has trained for less, but its score is that of its best epoch, as of any trial. A trial
    that does not stop in time is ended from outside; it is stopped, with the model that it had saved by then, if any.
    """
    if fault is Fault.CUT_OFF:
        return Ending(TrialState.INTERRUPTED, keeps_model=False)
    if fault in (Fault.ERROR, Fault.MACHINE) or (epochs == 0 and decision is not Decision.STOP):
        return Ending(TrialState.FAILED, keeps_model=False)
    if decision is Decision.STOP:
        return Ending(TrialState.INTERRUPTED, keeps_model=epochs > 0)
    if decision is Decision.PRUNE:
        return Ending(TrialState.PRUNED, keeps_model=False)
    return Ending(TrialState.COMPLETE, keeps_model=True)


def ending_reason(decision: Decision, epochs: int, cause: str = "") -> str:
    """Why a trial without a fault ended early, for people; "" if it was trained to its end.

    ``cause`` is what whoever decided knows beside that ("": a pruner's rank, or the time).

    >>> ending_reason(Decision.PRUNE, 3), ending_reason(Decision.STOP, 0)
    ('pruned after epoch 3', 'time was up in its first epoch')
    >>> ending_reason(Decision.FINISH, 14, "no better for 8 epochs")
    'stopped after epoch 14: no better for 8 epochs'
    """
    if decision is Decision.CONTINUE:
        return ""
    ended = "pruned" if decision is Decision.PRUNE else "stopped" if cause else "time was up"
    when = f"after epoch {epochs}" if epochs else "in its first epoch"
    return f"{ended} {when}" + (f": {cause}" if cause else "")
