"""The study's memory: every proposal and every trial, in Optuna's own SQLite storage.

Optuna's trials are proposals. Those that were accepted carry convtune's trial number; the infeasible ones and the
repeated ones do not, and are no trials of the study.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, cast

import optuna
from optuna.exceptions import StorageInternalError
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler, RandomSampler
from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError

from pipeline.errors import StudyError, first_line
from pipeline.hyperparameter import Scalar, Values
from pipeline.objective import ACCURACY, minimised
from pipeline.record import Record, with_front
from pipeline.search.candidate import Candidate, Verdict
from pipeline.search.pruners import PRUNERS, Pruning
from pipeline.space import Choice, Domain, FloatRange, IntRange, Space
from pipeline.trial import Outcome, Report, State, Trial

optuna.logging.set_verbosity(optuna.logging.ERROR)

_NAME = "study"
_STARTED = {"state": State.RUNNING}
_CARD = ("number", "key", "values", "seed")
"""What a trial's card says beside its costs."""
_VERDICTS = ("infeasible", "repeats", "trial")
"""The user attributes of Optuna's trials that say what became of a proposal."""
_UNTRAINED = 1e-9
"""How much less than any broken limit a pruned trial violates the constraint ``trained``."""


@dataclass(frozen=True)
class Proposal:
    """Values that the search wants to try, not yet judged."""

    values: dict[str, Scalar]
    asked: optuna.Trial


class Ledger:
    """Asks Optuna for proposals and tells it what became of them; every change is on disk before the call returns."""

    def __init__(
        self, database: Path, space: Space, pruner: str, epochs: int, objective: Sequence[str] = (ACCURACY,)
    ) -> None:
        self._space, self._epochs, self._minimised = space, epochs, minimised(objective)
        rule = PRUNERS[pruner](epochs)
        self._study = _open(database, rule, objective)
        self._storage = self._study._storage
        self._running: dict[int, optuna.Trial] = {}
        self._kinds = _infeasible(self._study)
        for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            self._settle(trial)
        self._pruning = Pruning(_NAME, rule, self._study.get_trials(deepcopy=False))
        self._records = _records(self._study)
        self._judged_points = {
            _point(trial.params)
            for trial in self._study.get_trials(deepcopy=False)
            if not trial.user_attrs.keys().isdisjoint(_VERDICTS)
        }
        self._seen = {
            trial.user_attrs["trial"]["key"]: trial.user_attrs["trial"]["number"]
            for trial in self._study.get_trials(deepcopy=False)
            if "trial" in trial.user_attrs and trial.state is not TrialState.FAIL
        }

    # --- proposals

    def ask(self, sampler: BaseSampler | None) -> Proposal:
        """The next proposal: a queued point if there is one, else the sampler's draw."""
        self._study.sampler = sampler or RandomSampler(0)
        trial = self._study.ask()
        return Proposal(self._space.draw(_suggest(trial)), trial)

    def enqueue(self, values: Values) -> None:
        """Puts a point at the end of the queue. Constants need not be in it."""
        self._study.enqueue_trial(self._drawn(values))

    def _drawn(self, values: Values) -> dict[str, Scalar]:
        return {name: value for name, value in values.items() if name not in self._space.constants}

    @property
    def queued(self) -> int:
        """How many points wait in the queue."""
        return len(self._study.get_trials(deepcopy=False, states=(TrialState.WAITING,)))

    @property
    def proposals(self) -> int:
        """How many proposals there have been."""
        return len(self._study.get_trials(deepcopy=False))

    def reject(self, proposal: Proposal, verdict: Verdict) -> None:
        """Tells the search that a proposal is infeasible, and by how much."""
        self._judged_points.add(_point(proposal.asked.params))
        self._kinds[verdict.kind] += 1
        proposal.asked.set_user_attr("infeasible", verdict.kind)
        _constrain(proposal.asked, verdict, trained=0.0)
        self._study.tell(proposal.asked, state=TrialState.PRUNED)

    def judged(self, values: Values) -> bool:
        """Whether there is a verdict on this very point: it was infeasible, a trial, or equal to one."""
        return _point(self._drawn(values)) in self._judged_points

    def known(self, candidate: Candidate) -> int | None:
        """The number of the trial that is or was this candidate."""
        return self._seen.get(candidate.key)

    def repeat(self, proposal: Proposal, verdict: Verdict, number: int) -> None:
        """Tells the search the known value of a candidate that was proposed again; a running one has none yet."""
        self._judged_points.add(_point(proposal.asked.params))
        proposal.asked.set_user_attr("repeats", number)
        _constrain(proposal.asked, verdict, trained=0.0)
        earlier = self._records[number]
        if earlier.state is State.COMPLETE:
            self._study.tell(proposal.asked, self._judged(earlier))
        else:
            self._study.tell(proposal.asked, state=TrialState.FAIL)

    # --- trials

    def accept(self, proposal: Proposal, verdict: Verdict, candidate: Candidate, seed: int, epochs: int) -> Trial:
        """Makes the proposal a trial of the study; one that was interrupted keeps its number."""
        number = int(proposal.asked.user_attrs.get("number", max(self._records, default=-1) + 1))
        trial = Trial(number, dict(proposal.values), (seed * 1_000_003 + number) % (2**31), epochs)
        card = {"number": number, "key": candidate.key, "values": trial.values, "seed": trial.seed, **candidate.costs}
        self._judged_points.add(_point(proposal.asked.params))
        proposal.asked.set_user_attr("trial", card)
        _constrain(proposal.asked, verdict)
        self._running[number] = proposal.asked
        self._seen[candidate.key] = number
        self._records[number] = _record(card, tuple(proposal.asked.params), _STARTED)
        return trial

    def report(self, report: Report) -> bool:
        """Notes an epoch's validation accuracy; whether the pruner wants the trial to stop."""
        running, value = self._running[report.number], float(report.metrics["val_accuracy"])
        self._storage.set_trial_intermediate_value(running._trial_id, report.epoch, value)
        return self._pruning.report(running.number, report.epoch, value)

    def tell(self, outcome: Outcome) -> None:
        """Notes how a trial ended. A failed one counts as infeasible: Optuna's samplers learn nothing from FAIL."""
        running = self._running.pop(outcome.number)
        record = replace(self._records[outcome.number], outcome=outcome)
        self._records[outcome.number] = record
        running.set_constraint("trained", self._untrained(outcome))
        running.set_user_attr("outcome", _plain(outcome))
        if outcome.state is State.INTERRUPTED:
            self._seen = {key: number for key, number in self._seen.items() if number != outcome.number}
            self._put_back(running._trial_id)
        else:
            self._close(running.number, record)
            if outcome.state is State.COMPLETE and outcome.value is not None:
                self._pruning.complete(running.number, outcome.value)

    def _close(self, optuna_number: int, record: Record) -> None:
        if record.state is State.COMPLETE:
            self._study.tell(optuna_number, self._judged(record))
        else:
            self._study.tell(optuna_number, state=TrialState.PRUNED)

    def _judged(self, record: Record) -> list[float]:
        """What Optuna is told of a complete trial: a value for each objective (NaN: it takes the trial for failed)."""
        accuracy = math.nan if record.value is None else record.value
        return [accuracy, *(record.costs[name] for name in self._minimised)]

    def _untrained(self, outcome: Outcome) -> float:
        """How far the constraint ``trained`` is violated: 1 by a failed trial, next to nothing by a pruned one.

        So TPE puts pruned trials behind complete and before infeasible ones, those that came further first, then those
        of a higher value. That is its own order of pruned trials, which it cannot make where there are several
        objectives: it asks for the study's one direction.
        """
        if outcome.state is not State.PRUNED:
            return float(outcome.state is State.FAILED)
        missing = self._epochs - outcome.epochs + 1 - (outcome.value or 0.0)
        return _UNTRAINED * missing / (self._epochs + 1)

    @property
    def begun(self) -> int:
        """How many trials count towards the total: all but those that wait to be repeated."""
        return sum(record.state is not State.INTERRUPTED for record in self._records.values())

    @property
    def running(self) -> list[int]:
        """The numbers of the trials that have begun and not ended."""
        return sorted(self._running)

    @property
    def records(self) -> list[Record]:
        """Every trial of the study by its number; one that was interrupted stands with its latest run."""
        return with_front([self._records[number] for number in sorted(self._records)], self._minimised)

    @property
    def infeasible(self) -> Counter[str]:
        """How many proposals were infeasible, by kind of reason."""
        return Counter(self._kinds)

    def _settle(self, cut: FrozenTrial) -> None:
        """Ends what was running when the last process ended: as its outcome says if it had one, else it is repeated."""
        noted = cut.user_attrs.get("outcome", _STARTED)
        if State(noted["state"]) in (State.RUNNING, State.INTERRUPTED):
            self._put_back(cut._trial_id)
        else:
            self._close(cut.number, _record(cut.user_attrs["trial"], (), noted))

    def _put_back(self, trial_id: int) -> None:
        """Closes a run that was cut off and queues its values again, under the same trial number."""
        cut = self._storage.get_trial(trial_id)
        if "trial" in cut.user_attrs and "outcome" not in cut.user_attrs:
            left = {"state": State.INTERRUPTED, "reason": "its process ended"}
            self._storage.set_trial_user_attr(trial_id, "outcome", left)
        number = cut.user_attrs.get("trial", cut.user_attrs).get("number")
        known = {} if number is None else {"number": number}
        self._storage.set_trial_state_values(trial_id, TrialState.FAIL)
        values = cut.params if "trial" in cut.user_attrs else cut.system_attrs.get("fixed_params")
        if values is not None:
            self._study.enqueue_trial(values, user_attrs=known)


def read(database: Path) -> tuple[list[Record], Counter[str]]:
    """The trials of a study on disk, by number, and its infeasible proposals by kind; changes nothing."""
    with storage_errors(database):
        try:
            study = optuna.load_study(study_name=_NAME, storage=f"sqlite:///{database}")
        except KeyError:
            raise StudyError(f"{database}: holds no study of convtune's; use another --study") from None
        objective = study.user_attrs.get("objective", [ACCURACY])
        return with_front(list(_records(study).values()), minimised(objective)), _infeasible(study)


@contextmanager
def storage_errors(database: Path) -> Iterator[None]:
    """Turns what Optuna and SQLAlchemy raise when a storage fails into a StudyError of one line."""
    try:
        yield
    except (SQLAlchemyError, StorageInternalError) as error:
        raise StudyError(
            f"{database}: Optuna's storage failed ({first_line(error)}); mend that, or use another --study"
        ) from None


def _open(database: Path, pruner: BasePruner, objective: Sequence[str]) -> optuna.Study:
    """The stored study. Optuna needs its pruner to give the sampler the trials of one Hyperband bracket only."""
    directions = [StudyDirection.MAXIMIZE if name == ACCURACY else StudyDirection.MINIMIZE for name in objective]
    with storage_errors(database):
        storage = RDBStorage(f"sqlite:///{database}", engine_kwargs={"connect_args": {"timeout": 60}})
        event.listen(storage.engine, "connect", _tune_sqlite)
        storage.engine.dispose()
        study = optuna.create_study(
            storage=storage, study_name=_NAME, directions=directions, pruner=pruner, load_if_exists=True
        )
        if "objective" not in study.user_attrs:
            study.set_user_attr("objective", list(objective))
        return study


def _tune_sqlite(connection: Any, _: Any) -> None:
    """A write-ahead log makes a write about five times as fast and still survives the death of the process."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


def _suggest(trial: optuna.Trial) -> Callable[[str, Domain], Scalar]:
    def suggest(name: str, domain: Domain) -> Scalar:
        match domain:
            case IntRange():
                return trial.suggest_int(name, domain.low, domain.high, step=domain.step, log=domain.log)
            case FloatRange():
                return trial.suggest_float(name, domain.low, domain.high, step=domain.step, log=domain.log)
            case Choice():
                return cast(Scalar, trial.suggest_categorical(name, list(domain.options)))

    return suggest


def _point(values: Values) -> frozenset[tuple[str, Scalar]]:
    return frozenset(values.items())


def _constrain(trial: optuna.Trial, verdict: Verdict, **more: float) -> None:
    """Samplers need the same constraints in the same order in every trial."""
    for name, violation in (dict(verdict.violations) | more).items():
        trial.set_constraint(name, violation)


def _infeasible(study: optuna.Study) -> Counter[str]:
    trials = study.get_trials(deepcopy=False)
    return Counter(trial.user_attrs["infeasible"] for trial in trials if "infeasible" in trial.user_attrs)


def _records(study: optuna.Study) -> dict[int, Record]:
    """By number and in its order; of two runs of a trial the later one counts."""
    found: dict[int, Record] = {}
    for trial in study.get_trials(deepcopy=False):
        if (card := trial.user_attrs.get("trial")) is not None:
            found[card["number"]] = _record(card, tuple(trial.params), trial.user_attrs.get("outcome", _STARTED))
    return dict(sorted(found.items()))


def _record(card: Mapping[str, Any], varied: tuple[str, ...], outcome: Mapping[str, Any]) -> Record:
    costs = {name: cost for name, cost in card.items() if name not in _CARD and cost is not None}
    return Record(card["number"], card["values"], varied, costs, card["seed"], _outcome(card["number"], outcome))


def _outcome(number: int, noted: Mapping[str, Any]) -> Outcome:
    return Outcome(**{**noted, "number": number, "state": State(noted["state"])})


def _plain(outcome: Outcome) -> dict[str, Any]:
    """The outcome without its history, which has a file of its own."""
    return {field.name: getattr(outcome, field.name) for field in fields(outcome) if field.name != "history"}
