"""A study in words and as a table: what MLflow's UI shows of the study's run. Without MLflow."""

import re
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.data import Dataset
from pipeline.errors import printable
from pipeline.metrics.interval import wilson
from pipeline.quantity import format_count
from pipeline.study.record import TrialRecord, best, ranked
from pipeline.study.trial import TrialState

_TOP = 5
"""The trials that the description lists."""


@dataclass(frozen=True)
class About:
    """The study: its name, how a command names it (``argument``), its job file's content, and its dataset."""

    name: str
    argument: str
    job: Mapping[str, object]
    dataset: Dataset


def describe_study(about: About, records: Sequence[TrialRecord], scores: Mapping[str, float]) -> str:
    """Markdown: the answer, how sure it is, the best trials, what was searched on what, and the next commands.

    ``scores`` are those of the best model on the test images, as ``test_<metric>``; empty if there are none.
    """
    parts = [
        *_answer(about, records, scores),
        *_best_first(ranked(records)[:_TOP]),
        f"**Searched:** {_searched(about, records)}.",
        f"**Data:** {_escape(about.dataset.name)}, {about.dataset.describe()}.",
        f"**Next:**\n\n{_commands(about, records)}",
    ]
    return "\n\n".join(parts)


def describe_unfinished(about: About) -> str:
    """Markdown for a study that runs, or whose process was killed."""
    study = shlex.quote(about.argument)
    return f"This study has not ended yet. If nothing runs, go on with it:\n\n    convtune tune --study {study}"


def trial_title(record: TrialRecord, label: str) -> str:
    """The name of a trial's run: its number, its family (or ``label``, that of the HyperModel), and how it ended.

    >>> from pipeline.study.objective import Objective
    >>> from pipeline.study.trial import Trial, TrialResult
    >>> trial, result = Trial(12, {"family": "residual"}, 0, 10), TrialResult(12, TrialState.COMPLETE, 0.91402)
    >>> trial_title(TrialRecord(trial, result, Objective()), "")
    '#12 residual 0.914'
    """
    words = [f"#{record.number}", str(record.params.get("family", label))]
    if record.state is TrialState.COMPLETE and record.score is not None:
        words.append(f"{record.score:.4g}")
    elif record.state is not TrialState.RUNNING:
        words.append(record.state.value)
    return " ".join(word for word in words if word)


def leaderboard(records: Sequence[TrialRecord]) -> dict[str, Any]:
    """All ranked trials, best first, as ``columns`` and ``data``: the JSON that MLflow's UI shows as a table.

    Of the params it has those that are not the same in all of these trials.
    """
    ranking = ranked(records)
    names = list(dict.fromkeys(name for record in ranking for name in record.params))
    params = [name for name in names if len({record.params.get(name) for record in ranking}) > 1]
    costs = list(dict.fromkeys(name for record in ranking for name in record.costs))
    columns = ["rank", "trial", "score", "state", "epochs", "seconds", *costs, *params]
    data = [
        [
            rank,
            record.number,
            None if record.score is None else round(record.score, 6),
            record.state.value,
            record.result.epochs,
            round(record.result.seconds, 1),
            *(record.costs.get(name) for name in costs),
            *(record.params.get(name) for name in params),
        ]
        for rank, record in enumerate(ranking, start=1)
    ]
    return {"columns": columns, "data": data}


def _answer(about: About, records: Sequence[TrialRecord], scores: Mapping[str, float]) -> Iterator[str]:
    winner = best(records)
    if winner is None or winner.score is None:
        yield "No trial left a model."
        return
    metric, tests = winner.metric, len(about.dataset.test)
    family = _escape(winner.params.get("family", "network"))
    yield f"The best of {len(records)} trials is **#{winner.number}**, {family}."
    test = scores.get(f"test_{metric.name}")
    if test is not None:
        yield f"Test {metric.label} **{test:.4f}**{_sure(test, winner, tests)}: {tests:,} images, looked at once."
    validation = len(about.dataset.validation)
    yield (
        f"Validation {metric.label} **{winner.score:.4f}**: {validation:,} images. It was chosen by this score, which "
        "is therefore likely to be a little too good."
    )


def _sure(test: float, winner: TrialRecord, count: int) -> str:
    """The interval of a score that is a share of the images; of other scores it is not known."""
    interval = wilson(test * count, count) if winner.metric.share_of_images else None
    return "" if interval is None else f" (95 % interval {interval.low:.4f} to {interval.high:.4f})"


def _size(record: TrialRecord) -> str:
    counts = {"parameters": record.parameters, "multiply-accumulates": record.macs}
    known = [f"{format_count(count)} {name}" for name, count in counts.items() if count is not None]
    return ", ".join([*known, f"{record.result.epochs} epochs in {record.result.seconds:.0f} s"])


def _best_first(top: Sequence[TrialRecord]) -> Iterator[str]:
    """A list; tables have no space between their columns in MLflow's UI."""
    lines = []
    for rank, record in enumerate(top, start=1):
        score = "-" if record.score is None else f"{record.score:.4f}"
        state = "" if record.state is TrialState.COMPLETE else f" ({record.state})"
        lines.append(f"{rank}. **{score}** #{record.number}{state}, {_size(record)}")
    if lines:
        yield "\n".join(lines)


def _searched(about: About, records: Sequence[TrialRecord]) -> str:
    states = Counter(record.state for record in records)
    counts = ", ".join(f"{states[state]} {state}" for state in TrialState if states[state])
    drawn = len({name for record in records for name in record.drawn})
    return f"space {_escape(about.job.get('space', ''))}, {drawn} hyperparameters; {counts}"


def _commands(about: About, records: Sequence[TrialRecord]) -> str:
    study = shlex.quote(about.argument)
    commands = {f"convtune ui {study}": "these trials, sorted and drawn"}
    if best(records) is not None:
        commands[f"convtune export {study}"] = "the best model, as files"
    commands[f"convtune tune --study {study} --trials {2 * len(records)}"] = "more trials"
    width = max(map(len, commands))
    return "\n".join(f"    {command:<{width}}  # {what}" for command, what in commands.items())


def _escape(text: object) -> str:
    """Text of users, which may hold what Markdown would read as its own."""
    return re.sub(r"([\\`*_{}\[\]<>|#])", r"\\\1", printable(text))
