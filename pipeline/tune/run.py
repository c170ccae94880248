"""Runs a study from its dataset to its leaderboard."""

import math
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from pipeline.data import Dataset
from pipeline.executors import EXECUTORS, Executor, Task, check
from pipeline.folder import StudyFolder
from pipeline.job import Job
from pipeline.loading import announce, load_data, warn, working
from pipeline.model_card import ModelCard
from pipeline.record import best
from pipeline.report.progress import Mode, view
from pipeline.search.candidate import Candidate
from pipeline.search.ledger import Ledger, storage_errors
from pipeline.search.loop import Budget, Loop
from pipeline.search.propose import Proposer
from pipeline.search.searches import SEARCHES
from pipeline.signals import ENDING, deferred, interruptible
from pipeline.space import Space
from pipeline.tracking import StudyInfo, Tracker, connect
from pipeline.trial import Trial
from pipeline.tune import finish, setup
from pipeline.tune.latency import keep
from pipeline.tune.listeners import Files, Tracked
from pipeline.tune.origin import Ground, Origin
from pipeline.tune.summary import summary

_MIXING = 1_000_003
"""A resumed search must not draw again what it drew before: its seed moves on with the number of proposals."""


_INTERRUPTED = 130
"""The exit code of what Ctrl-C ended."""


@dataclass(frozen=True)
class Study:
    """A job with everything it stands on, checked."""

    job: Job
    folder: StudyFolder
    ground: Ground
    data: Dataset

    @property
    def space(self) -> Space:
        """What is searched."""
        return self.ground.space

    def task(self, trial: Trial, candidate: Candidate) -> Task:
        """The trial as a worker gets it."""
        card = ModelCard(
            classes=self.data.classes,
            shape=self.data.shape,
            dataset=self.data.name,
            digest=self.data.digest,
            seed=self.job.seed,
            study=self.folder.name,
            trial=trial.number,
        )
        model = self.folder.model(trial.number).resolve()
        return candidate.task(trial, self.data, self.job.precision, model, card)


def run(asked: setup.Asked, folder: StudyFolder, origin: Origin, log: Path | None, talk: Mode) -> int:
    """Runs a study whose job and space are known; the exit code: 0, 1 without any model, 130 when interrupted.

    ``log`` takes what libraries print in workers; without it that goes to the terminal.
    """
    quiet = talk is Mode.QUIET
    with interruptible(*ENDING), setup.opened(folder), closing(origin):
        executor = EXECUTORS[asked.job.executor](_workers(asked.job), log)
        try:
            with working("reading the space", quiet):
                size, channels = origin.images()
            data = load_data(asked.job.data, size, asked.job.seed, quiet=quiet, channels=channels)
            study = Study(asked.job, folder, origin.ground(data, executor, quiet), data)
            with working("reading the space", quiet):
                points = setup.hand_picked(study.space, study.ground.judge, asked, begun=folder.exists)
            return _run(study, points, executor, talk)
        except KeyboardInterrupt:
            if not folder.exists:
                raise
            print(f"convtune: interrupted; go on with: convtune tune --study {folder.argument}", file=sys.stderr)
            return _INTERRUPTED
        finally:
            executor.close()


def _workers(job: Job) -> int:
    """No more workers than trials: each one imports Keras."""
    return int(min(job.workers, job.total))


def _run(study: Study, points: setup.Picked, executor: Executor, talk: Mode) -> int:
    identity = setup.Identity.of(study.job, study.space, study.data, study.ground.code)
    run = setup.check_same(study.folder, identity)
    starting = partial(working, "starting Keras and MLflow", quiet=talk is Mode.QUIET)
    with starting():
        tracker = connect()
    try:
        with starting():
            check(executor)
        identity = replace(identity, run=tracker.begin_study(_info(study), run or None))
        setup.write_identity(study.folder, identity)
        keep(study.folder, study.ground.latency)
        with storage_errors(study.folder.storage):
            ledger = _ledger(study, points.candidates)
            setup.write_job(study.folder, study.job, study.ground.text)
            if talk is not Mode.QUIET:
                announce(study.data, *points.left_out)
            return _search(study, executor, tracker, ledger, talk)
    except BaseException as error:
        tracker.end_study("KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED", {})
        raise
    finally:
        tracker.close()
        for trouble in tracker.troubles:
            warn(trouble)


def _ledger(study: Study, points: Sequence[Candidate]) -> Ledger:
    ledger = Ledger(study.folder.storage, study.space, study.job.pruner, study.job.epochs, study.job.objective)
    for candidate in points:
        if ledger.known(candidate) is None:
            ledger.enqueue(candidate.values)
    return ledger


def _search(study: Study, executor: Executor, tracker: Tracker, ledger: Ledger, talk: Mode) -> int:
    began = time.monotonic()
    budget = Budget(study.job.total, study.job.epochs, None if study.job.time is None else began + study.job.time)
    with view(
        _expected(study),
        study.job.time,
        talk,
        ledger.records,
        constants=study.space.constants,
        infeasible=lambda: ledger.infeasible.total(),
    ) as progress:
        listeners = (Files(study.folder, ledger), Tracked(tracker), progress)
        with deferred(signal.SIGINT, *ENDING) as check_signals:
            loop = Loop(_proposer(study, ledger), ledger, executor, study.task, listeners, check_signals)
            why = loop.run(budget)
    return _finish(study, executor, tracker, ledger, why)


def _expected(study: Study) -> float:
    """Trials the study will have: a grid has no more than its points."""
    points = study.space.size() if study.job.search == "grid" else None
    return min(study.job.total, points if points is not None else math.inf)


def _proposer(study: Study, ledger: Ledger) -> Proposer:
    seed = (study.job.seed * _MIXING + ledger.proposals) % 2**32
    search = SEARCHES[study.job.search](study.space, seed)
    return Proposer(study.space, search, ledger, study.ground.judge, study.job.seed)


def _finish(study: Study, executor: Executor, tracker: Tracker, ledger: Ledger, why: str) -> int:
    champion, winner = best(ledger.records), None
    finish.draw(study.folder, ledger.records)
    try:
        if champion is not None:
            winner = finish.known(study.folder, champion)
            winner = winner or finish.present(executor, tracker, study.folder, champion, study.data)
        finish.record_study(tracker, study.folder, ledger.records)
    finally:  # whatever fails now, what the search has found is shown
        summary(study.folder, ledger.records, ledger.infeasible, why, winner)
    metrics = {} if winner is None else {"val_accuracy": winner.value, "test_accuracy": winner.accuracy}
    tracker.end_study("FINISHED" if winner else "FAILED", metrics)
    return 0 if winner else 1


def _info(study: Study) -> StudyInfo:
    data = study.data
    return StudyInfo(
        name=study.folder.name,
        job=study.job.as_file(),
        dataset_name=data.name,
        dataset_source=data.source,
        dataset_digest=data.digest,
        dataset_shape=data.shape,
        classes=data.classes,
        sizes=(len(data.train), len(data.validation), len(data.test)),
    )
