"""A study in Markdown: what MLflow's UI shows of its run."""

from collections.abc import Mapping
from typing import Any

from pipeline.markdown import escape
from pipeline.quantity import counted
from pipeline.report.answer import describe_best, describe_search, describe_trust
from pipeline.report.findings import Findings
from pipeline.report.next_commands import resume_command
from pipeline.report.top_trials import top_trials
from pipeline.study.paths import StudyPaths
from pipeline.study.record import TrialRecord, describe_size
from pipeline.study.trial import TrialState

_TOP = 5
"""The trials that are listed."""


def describe_study(found: Findings) -> str:
    """The answer and how far it can be trusted, the best trials, what was searched on what, and the next commands."""
    sentences = [describe_best(found), describe_trust(found)]
    top = top_trials(found.trials.records, _TOP).records[:_TOP]
    lines = [f"{rank}. {_describe_trial(record)}" for rank, record in enumerate(top, start=1)]
    search = escape(describe_search(found)) if found.trials.records else ""
    commands = "\n\n".join(f"{sentence}:\n\n    {command}" for sentence, command in found.next)
    return "\n\n".join(filter(None, [*map(escape, sentences), "\n".join(lines), search, commands]))


def describe_unfinished(paths: StudyPaths, job: Mapping[str, Any]) -> str:
    """For a study that runs, or whose process was killed."""
    return f"This study has not ended yet. If nothing runs, go on with it:\n\n    {resume_command(paths, job)}"


def _describe_trial(record: TrialRecord) -> str:
    """A line of a list: tables have no space between their columns in MLflow's UI."""
    state = "" if record.state is TrialState.COMPLETE else f" ({record.state})"
    length = f"{counted(record.result.epochs, 'epoch')} in {record.result.seconds:.0f} s"
    return f"**{record.score:.4f}** #{record.number}{state}, {', '.join([*describe_size(record), length])}"
