"""The next commands for a study, each with a sentence."""

import math
import shlex
import statistics
from collections.abc import Mapping
from typing import Any

from pipeline.quantity import SECONDS, format_seconds, parse_quantity
from pipeline.report.study_trials import StudyTrials
from pipeline.search.standing import Standing
from pipeline.search.stop_reason import StopReason
from pipeline.study.paths import StudyPaths
from pipeline.study.record import best
from pipeline.study.trial import Fault, TrialState

_NOTHING_LEFT = (StopReason.SPACE_COVERED, StopReason.NOTHING_NEW)
"""Why a search ended that has nothing to go on with."""

_TOO_SHORT = (StopReason.NO_TIME, StopReason.TIME_UP)


def next_commands(trials: StudyTrials, job: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The next commands for the study of a ``job``, the content of its job file: (sentence, command)."""
    name = shlex.quote(trials.paths.argument)
    if trials.running:
        return [("See how it goes on", f"convtune report {name}")]
    commands = [("Compare all trials in MLflow", f"convtune ui {name}")] if trials.records else []
    if best(trials.records) is not None:
        commands.append(("Take the best model with you", f"convtune export {name}"))
    if any(record.result.fault is Fault.MACHINE for record in trials.records):
        retry = resume_command(trials.paths, job, {"--retry-failed": None})
        commands.append(("Repeat after machine faults", retry))
    if (more := _bounds_raised(trials, job)) is not None:
        commands.append(("Go on", resume_command(trials.paths, job, more)))
    return commands


def resume_command(paths: StudyPaths, job: Mapping[str, Any], more: Mapping[str, object] | None = None) -> str:
    """The command that goes on with a study, with these flags (None: one without a value).

    It names the time, which is not kept from run to run.
    """
    flags = dict(more or {})
    if job.get("time"):
        flags.setdefault("--time", job["time"])
    words = [str(word) for flag, value in flags.items() for word in (flag, value) if word is not None]
    return shlex.join(["convtune", "tune", "--study", paths.argument, *words])


def _bounds_raised(trials: StudyTrials, job: Mapping[str, Any]) -> dict[str, object] | None:
    """The flags that raise each bound which the study has reached; None if it has nothing to go on with.

    Trials and patience are doubled. After a score that was good enough only a perfect one ends the study. A time
    in which not even one trial fits, so that an interrupted one would wait again, becomes one for two.
    """
    if trials.reason in _NOTHING_LEFT:
        return None
    flags: dict[str, object] = {}
    ended, standing = trials.counted, Standing(trials.records)
    wanted, patience, goal = (_number(job, key) for key in ("trials", "patience", "stop_at"))
    if wanted is not None and ended >= wanted:
        flags["--trials"] = 2 * ended
    if patience is not None and standing.without_progress >= patience:
        flags["--patience"] = 2 * standing.without_progress
    if goal is not None and (winner := standing.reaching(goal)) is not None:
        assert winner.score is not None
        if winner.metric.reaches(winner.score, winner.metric.best):
            return None
        flags["--stop-at"] = f"{winner.metric.best:g}"
    return flags | _longer_time(trials, job)


def _longer_time(trials: StudyTrials, job: Mapping[str, Any]) -> dict[str, object]:
    seconds = [record.result.seconds for record in trials.records if record.state is TrialState.COMPLETE]
    if not seconds or trials.reason not in _TOO_SHORT:
        return {}
    needed = math.ceil(statistics.median(seconds))
    try:
        enough = parse_quantity(str(job.get("time")), SECONDS) >= needed
    except ValueError:  # no time, or one that somebody has written in another way
        return {}
    return {} if enough else {"--time": format_seconds(2 * needed)}


def _number(job: Mapping[str, Any], key: str) -> float | None:
    value = job.get(key)
    return value if isinstance(value, int | float) else None
