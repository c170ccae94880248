"""The memory of a study: every proposal and every trial, in Optuna's own storage."""

import itertools
import time
from collections import Counter
from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import optuna
from optuna.samplers import BaseSampler, RandomSampler
from optuna.trial import FrozenTrial
from optuna.trial import TrialState as OptunaState

from pipeline.candidate import Candidate, Feasibility
from pipeline.hyperparameter import Params, Scalar
from pipeline.search.again import Again, awaited, cut_off, failed, lacking_time, was_shortened
from pipeline.search.attributes import (
    JUDGED,
    OUTCOME,
    REQUEST,
    facts,
    failed_by_machine,
    outcome,
    outcome_of,
    request,
    request_of,
)
from pipeline.search.optuna_study import Database, count_infeasible, create_study, note_end, record_of, records_of
from pipeline.search.optuna_trial import constrain, suggest
from pipeline.search.pruners import Pruner
from pipeline.search.pruning import Pruning
from pipeline.search.stop_reason import StopReason
from pipeline.search.told import close, objective_values, untrained
from pipeline.space import Space
from pipeline.study.objective import Objective
from pipeline.study.record import TrialRecord, keep_ended, mark_front, standing_run
from pipeline.study.trial import Decision, EpochReport, Fault, Trial, TrialResult, TrialState, ending

SEED_FACTOR = 1_000_003
"""A prime by which the study's seed is multiplied, so that seeds made of it and of a count do not meet."""

_CUT_OFF = {
    "state": ending(Decision.CONTINUE, 0, Fault.CUT_OFF).state,
    "reason": "its process ended",
    "decision": Decision.CONTINUE,
    "fault": Fault.CUT_OFF,
}
"""The result of a trial whose study was killed."""


@dataclass(frozen=True)
class Proposal:
    """Params that the search wants to try, not judged yet; ``optuna_trial`` is the one they come from."""

    params: dict[str, Scalar]
    optuna_trial: optuna.Trial


class StudyStorage:
    """Asks Optuna for proposals and reports their outcomes.

    Every change is in the database before the call returns, except that of ``ask``, which follows with the verdict.

    Trials are kept as records. A record is never changed: when more is known, another one replaces it.
    """

    def __init__(
        self,
        database: Database,
        space: Space,
        pruner: Pruner,
        epochs: int,
        objective: Objective,
        about: Mapping[str, str | int | float] = MappingProxyType({}),
    ) -> None:
        """``about`` are facts about the study for whoever opens the database with Optuna."""
        self._space, self._epochs, self._objective = space, epochs, objective
        self.stops_trials = pruner.stops_trials
        rule = pruner.make(epochs)
        self._study, self._storage = create_study(database, rule, objective, about)
        self._running: dict[int, optuna.Trial] = {}
        self._earlier: dict[int, TrialRecord] = {}
        self._prunable: dict[int, bool] = {}
        for trial in self._study.get_trials(deepcopy=False, states=(OptunaState.RUNNING,)):
            self._settle(trial)
        self._storage.flush()
        stored = self._study.get_trials(deepcopy=False)
        self._pruning = Pruning(self._study.study_name, rule, objective.metric, stored)
        self._infeasible = count_infeasible(self._study)
        self._records = {one.number: one for one in mark_front([*records_of(self._study, objective).values()])}
        again = awaited(stored)
        self._begun = sum(
            record.state.counts_towards_total and number not in again for number, record in self._records.items()
        )
        self._next = max(self._records, default=-1) + 1
        done = [trial for trial in stored if not was_shortened(trial, epochs)]
        self._judged = {_point(trial.params) for trial in done if not trial.user_attrs.keys().isdisjoint(JUDGED)}
        self._numbers = {
            asked["key"]: asked["number"]
            for trial in done
            if (asked := request_of(trial)) and (trial.state is not OptunaState.FAIL or failed_by_machine(trial))
            if asked["number"] not in again
        }

    def ask(self, sampler: BaseSampler | None) -> Proposal:
        """The next proposal: a queued point if there is one, else the sampler's draw."""
        self._study.sampler = sampler or RandomSampler(0)
        trial = self._study.ask()
        return Proposal(self._space.draw(suggest(trial)), trial)

    def enqueue(self, params: Params, source: str = "search") -> None:
        """Puts a point at the end of the queue; it may leave out constants of the space. ``source``: see ``Trial``."""
        self._study.enqueue_trial(self._drawn(params), user_attrs={"source": source})
        self._storage.flush()

    def _drawn(self, params: Params) -> dict[str, Scalar]:
        return {name: value for name, value in params.items() if name not in self._space.constants}

    @property
    def queued(self) -> int:
        """The number of points in the queue."""
        return len(self._study.get_trials(deepcopy=False, states=(OptunaState.WAITING,)))

    @property
    def proposals(self) -> int:
        """The number of proposals so far."""
        return len(self._study.get_trials(deepcopy=False))

    def is_judged(self, params: Params) -> bool:
        """Whether exactly this point was judged before: as infeasible, as a trial, or as a repetition of one."""
        return _point(self._drawn(params)) in self._judged

    def number_of(self, candidate: Candidate) -> int | None:
        """The number of the trial that trains or trained this candidate; None if none did or it was interrupted."""
        return self._numbers.get(candidate.key)

    def reject(self, proposal: Proposal, feasibility: Feasibility) -> None:
        """Tells the sampler that a proposal is infeasible, and by how much."""
        self._judged.add(_point(proposal.optuna_trial.params))
        self._infeasible[feasibility.kind] += 1
        proposal.optuna_trial.set_user_attr("infeasible", feasibility.kind)
        constrain(proposal.optuna_trial, feasibility, trained=0.0)
        self._study.tell(proposal.optuna_trial, state=OptunaState.PRUNED)
        self._storage.flush()

    def repeat(self, proposal: Proposal, feasibility: Feasibility, number: int) -> None:
        """Closes a proposal whose candidate trial ``number`` has: with its values if it is complete, else as failed."""
        self._judged.add(_point(proposal.optuna_trial.params))
        proposal.optuna_trial.set_user_attr("repeats", number)
        constrain(proposal.optuna_trial, feasibility, trained=0.0)
        earlier = self._records[number]
        if earlier.state is TrialState.COMPLETE:
            self._study.tell(proposal.optuna_trial, objective_values(earlier))
        else:
            self._study.tell(proposal.optuna_trial, state=OptunaState.FAIL)
        self._storage.flush()

    def postpone(self, proposal: Proposal) -> None:
        """Closes a proposal for which too little time is left; ``requeue_for_time`` queues it again."""
        proposal.optuna_trial.set_user_attr("postponed", True)
        self._study.tell(proposal.optuna_trial, state=OptunaState.FAIL)
        self._storage.flush()

    def requeue_for_time(self) -> None:
        """Queues again what lacked time: see ``lacking_time``."""
        stored = self._study.get_trials(deepcopy=False)
        for again in lacking_time(stored, self._epochs, self._numbers):
            self._queue(again)
        self._storage.flush()

    def requeue_failed(self) -> list[int]:
        """Queues again the trials that failed through a fault of the machine, under their numbers; returns these."""
        again = failed(self._study.get_trials(deepcopy=False))
        for one in again.values():
            self._queue(one)
        self._begun -= len(again)
        self._forget(again)
        self._storage.flush()
        return sorted(again)

    def _forget(self, numbers: Container[int]) -> None:
        """Lets the candidates of these trials be trained again."""
        self._numbers = {key: number for key, number in self._numbers.items() if number not in numbers}

    def _queue(self, again: Again) -> None:
        self._study.enqueue_trial(dict(again.params), user_attrs=again.user_attrs)

    @property
    def full_epochs(self) -> int:
        """The epochs of a full training."""
        return self._epochs

    def accept(
        self, proposal: Proposal, feasibility: Feasibility, candidate: Candidate, seed: int, epochs: int | None = None
    ) -> TrialRecord:
        """Turns the proposal into a running trial of the study; a trial that is repeated keeps its number.

        ``seed`` is the study's; the trial's own is derived from it and from the number. ``epochs`` may be fewer than
        those of a full training (None: all).
        """
        number = int(proposal.optuna_trial.user_attrs.get("number", self._next))
        earlier = self._records.get(number)
        trial = Trial(
            number=number,
            params=dict(proposal.params),
            seed=(seed * SEED_FACTOR + number) % (2**31),
            epochs=self._epochs if epochs is None else epochs,
            costs=candidate.costs,
            drawn=tuple(proposal.optuna_trial.params),
            source=proposal.optuna_trial.user_attrs.get("source", "search"),
            earlier_score=earlier.score if earlier is not None and earlier.result.model else None,
            began=time.time(),
            slot=self._free_slot(),
        )
        if earlier is not None:
            self._earlier[number] = earlier
        self._judged.add(_point(proposal.optuna_trial.params))
        running = TrialResult(number, TrialState.RUNNING)
        self._keep(proposal.optuna_trial, REQUEST, request(trial, candidate.key), facts(trial, running))
        constrain(proposal.optuna_trial, feasibility)
        self._storage.flush()
        self._begun, self._next = self._begun + 1, max(self._next, number + 1)
        self._running[number] = proposal.optuna_trial
        self._numbers[candidate.key] = number
        self._records[number] = TrialRecord(trial, running, self._objective)
        return self._records[number]

    def _free_slot(self) -> int:
        """The first slot that no running trial has: an executor on this machine gives a task that one."""
        taken = {self._records[number].trial.slot for number in self._running}
        return next(slot for slot in itertools.count() if slot not in taken)

    def report(self, report: EpochReport) -> TrialRecord:
        """Records an epoch of a running trial, and asks the pruner about it."""
        record, running = self._records[report.number], self._running[report.number]
        score = float(report.metrics[record.metric.logged_as])
        self._storage.set_trial_intermediate_value(running._trial_id, report.epoch, score)
        self._storage.flush()
        self._prunable[report.number] = self._pruning.report(running.number, report.epoch, score)
        better = record.metric.better(score, record.score)
        result = replace(
            record.result,
            score=score if better else record.score,
            epochs=report.epoch,
            seconds=report.seconds,
            model=report.model,
        )
        self._records[report.number] = replace(record, result=result)
        return self._records[report.number]

    def _keep(self, trial: optuna.Trial, name: str, value: dict[str, Any], plain: Mapping[str, Any]) -> None:
        """Stores a system attribute of a trial, and its user attributes."""
        self._storage.set_trial_system_attr(trial._trial_id, name, value)
        for key, fact in plain.items():
            trial.set_user_attr(key, fact)

    def should_prune(self, number: int) -> bool:
        """Whether the pruner wants a running trial to stop after the epoch that it reported last."""
        return self._prunable.get(number, False)

    def tell(self, result: TrialResult) -> TrialRecord:
        """Records how a trial ended, and returns the run of it that counts."""
        running = self._running.pop(result.number)
        self._prunable.pop(result.number, None)
        record = replace(self._records[result.number], result=self._explain(result))
        earlier = self._earlier.pop(result.number, record)
        keep_ended(self._records, standing_run(earlier, record))
        running.set_constraint("trained", untrained(record, result, self._epochs))
        self._keep(running, OUTCOME, outcome(record.result), facts(record.trial, record.result))
        if result.state.counts_towards_total:
            close(self._study, running.number, self._records[result.number])
            if result.state is TrialState.COMPLETE and result.score is not None:
                self._pruning.complete(running.number, result.score)
        else:
            self._begun -= 1
            self._forget([result.number])
            self._put_back(running._trial_id)
        self._storage.flush()
        return self._records[result.number]

    def _explain(self, result: TrialResult) -> TrialResult:
        """The result; that of a complete trial with fewer epochs than a full training says why it has no more."""
        epochs = self._records[result.number].trial.epochs
        if result.state is TrialState.COMPLETE and not result.reason and epochs < self._epochs:
            return replace(result, reason=f"{epochs} of {self._epochs} epochs, as many as fitted in the time")
        return result

    def note_end(self, reason: StopReason | None) -> None:
        """Stores why the search ended, None while it goes on."""
        note_end(self._study, reason)

    def close(self) -> None:
        """Lets go of the database; what is in memory can be read on."""
        self._storage.close()

    @property
    def study(self) -> optuna.Study:
        """Optuna's study, for reading only."""
        return self._study

    @property
    def begun(self) -> int:
        """The number of trials that count towards the total: all except those waiting to be repeated."""
        return self._begun

    @property
    def running(self) -> list[TrialRecord]:
        """The trials that have begun and not ended, in the order of their numbers."""
        return [self._records[number] for number in sorted(self._running)]

    @property
    def records(self) -> list[TrialRecord]:
        """All trials of the study in the order of their numbers; of a repeated trial, only the run that counts."""
        return [self._records[number] for number in sorted(self._records)]

    @property
    def settled(self) -> list[TrialRecord]:
        """``records`` without the trials that wait to be tried again."""
        again = awaited(self._study.get_trials(deepcopy=False))
        return [record for record in self.records if record.number not in again]

    @property
    def infeasible(self) -> Counter[str]:
        """The number of infeasible proposals by kind of reason."""
        return Counter(self._infeasible)

    def _settle(self, cut: FrozenTrial) -> None:
        """Closes a trial that was running when the last process ended: with its stored result, else to be repeated."""
        noted = record_of(cut, self._objective) if outcome_of(cut) else None
        if noted is None or not noted.state.counts_towards_total:
            self._put_back(cut._trial_id)
        else:
            close(self._study, cut.number, noted)

    def _put_back(self, trial_id: int) -> None:
        """Closes an interrupted run and queues its params again, under the same trial number."""
        cut = self._storage.get_trial(trial_id)
        if request_of(cut) and not outcome_of(cut):
            self._storage.set_trial_system_attr(trial_id, OUTCOME, _CUT_OFF)
            self._storage.set_trial_user_attr(trial_id, "state", _CUT_OFF["state"])
        self._storage.set_trial_state_values(trial_id, OptunaState.FAIL)
        if (again := cut_off(cut)) is not None:
            self._queue(again)


def _point(params: Params) -> frozenset[tuple[str, Scalar]]:
    return frozenset(params.items())
