"""The trials of a study, as its plots and its report need them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from pipeline.errors import StudyError
from pipeline.search.optuna_study import (
    count_infeasible,
    load_study,
    noted_end,
    reading_errors,
    records_of,
    runs_of,
    stored_objective,
)
from pipeline.search.stop_reason import StopReason
from pipeline.study.database import find_database
from pipeline.study.lock import is_locked
from pipeline.study.paths import StudyPaths, find
from pipeline.study.record import TrialRecord, mark_front, ranked
from pipeline.study.trial import TrialState


@dataclass(frozen=True)
class StudyTrials:
    """A study's files and trials.

    ``records`` has one record for each trial, by number; ``runs`` also the earlier runs of those that were
    interrupted. ``importances`` are those of hyperparameters, ``infeasible`` counts such proposals by kind.
    ``running``: a process still runs the study; ``reason`` is why its last search ended (None: that is not known).
    """

    paths: StudyPaths
    records: Sequence[TrialRecord]
    runs: Sequence[TrialRecord] = ()
    importances: Mapping[str, float] = field(default_factory=dict)
    infeasible: Mapping[str, int] = field(default_factory=dict)
    running: bool = False
    reason: StopReason | None = None

    @property
    def ended(self) -> int:
        """How many trials have ended, however they did."""
        return sum(record.state is not TrialState.RUNNING for record in self.records)

    @property
    def counted(self) -> int:
        """How many trials count towards the total of a job: an interrupted one is repeated."""
        return sum(record.state.counts_towards_total for record in self.records)


def read_trials(study: str) -> StudyTrials:
    """The trials of a study, from its folder and its storage alone.

    StudyError if the study is unknown, or if none of its trials has ended with a score.
    """
    paths = find(study)
    running = is_locked(paths)
    found = _read(paths, running, weighed=True)
    if not ranked(found.records):
        counted = f"{len(found.records)} so far" if found.records else "there are none yet"
        when = "wait for the first to end" if running else f"`convtune tune --study {paths.argument}` goes on with it"
        raise StudyError(f"study {paths.name}: no trial has ended with a score ({counted}); {when}")
    return found


def read_folder(paths: StudyPaths) -> StudyTrials:
    """The trials of the study in a folder, without importances; none where nothing is stored yet."""
    return _read(paths, is_locked(paths), weighed=False)


def _read(paths: StudyPaths, running: bool, weighed: bool) -> StudyTrials:
    database = find_database(paths)
    if database is None:
        return StudyTrials(paths, (), running=running)
    with reading_errors(database):
        study = load_study(database)
        objective = stored_objective(study, database)
        records, runs = mark_front([*records_of(study, objective).values()]), runs_of(study, objective)
        if not running:
            records, runs = _without_killed(records), _without_killed(runs)
        weights: Mapping[str, float] = {}
        if weighed:
            from pipeline.search.importance import importances  # imported late: 1 s, since it imports scikit-learn

            weights = importances(study)
        return StudyTrials(paths, records, runs, weights, count_infeasible(study), running, noted_end(study))


def _without_killed(records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """The records; a trial that runs in no process any more, since that was killed, is interrupted."""
    return [
        replace(record, result=replace(record.result, state=TrialState.INTERRUPTED, reason="its process ended"))
        if record.state is TrialState.RUNNING
        else record
        for record in records
    ]
