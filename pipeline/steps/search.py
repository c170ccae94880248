"""The third step of a study: proposes and trains its trials, and notifies the listeners."""

import math
import signal
import time

from pipeline.job.job import Job
from pipeline.report.progress import Verbosity, show_progress
from pipeline.search.forecast import Forecast
from pipeline.search.loop import Loop
from pipeline.search.proposer import Proposer
from pipeline.search.samplers import SAMPLERS
from pipeline.search.stop_reason import Budget, StopReason
from pipeline.search.storage import SEED_FACTOR
from pipeline.signals import ENDING, deferred
from pipeline.space import Space, enumeration
from pipeline.steps.open import OpenStudy
from pipeline.steps.prepare import PreparedStudy
from pipeline.steps.study_files import StudyFiles

_GRACE, _SHORTEST_GRACE = 0.04, 7.0
"""How long a trial may take to stop: a share of the study's time, and seconds. With the time that it takes to end the
others, a study takes at most 5 % or 10 s longer than it may."""


def search(prepared: PreparedStudy, verbosity: Verbosity) -> StopReason:
    """Runs trials until there is a reason to have no more; notes it in the storage, and returns it."""
    job, problem, storage = prepared.study.job, prepared.study.problem, prepared.storage
    files = StudyFiles(prepared.study.paths, storage, job.models_kept)
    with show_progress(
        _expected_trials(job, problem.space),
        job.time,
        verbosity,
        storage.settled,
        infeasible=lambda: storage.infeasible.total(),
    ) as progress:
        listeners = (files, prepared.tracker, progress)
        with deferred(signal.SIGINT, *ENDING) as check_signals:
            loop = Loop(
                _proposer(prepared),
                storage,
                prepared.study.executor,
                problem.task,
                listeners,
                check_signals,
                _forecast(prepared.study),
                files.has_room,
                slots_stay=prepared.study.slots_stay,
            )
            budget = _budget(job)
            prepared.study.searched.while_judging(lambda: loop.serve_while_judging(budget))
            storage.note_end(None)
            reason = loop.run(budget)
            storage.note_end(reason)
    files.finish()
    return reason


def _budget(job: Job) -> Budget:
    """The job's budget, whose time begins now."""
    deadline = None if job.time is None else time.monotonic() + job.time
    grace = max(_SHORTEST_GRACE, _GRACE * (job.time or 0))
    return Budget(job.total, deadline, grace, job.stop_at, job.patience, job.trial_timeout)


def _forecast(study: OpenStudy) -> Forecast:
    """A forecast by the rate that was measured for the plan: workers side by side share it."""
    alone, (height, width, _) = study.plan.seconds_per_mac, study.problem.dataset.shape
    return Forecast(height * width, None if alone is None else alone * study.executor.slots)


def _expected_trials(job: Job, space: Space) -> float:
    """The most trials that the study can have: an exhaustive search has at most one for each point of its space."""
    points = enumeration.size(space) if SAMPLERS[job.search].exhaustive else None
    return min(job.total, points if points is not None else math.inf)


def _proposer(prepared: PreparedStudy) -> Proposer:
    """The number of proposals is part of the seed, so that a resumed search draws anew."""
    job, problem, storage = prepared.study.job, prepared.study.problem, prepared.storage
    plan = SAMPLERS[job.search].plan(problem.space, (job.seed * SEED_FACTOR + storage.proposals) % 2**32)
    return Proposer(problem.space, plan, storage, problem.judge, job.seed)
