"""The findings of a study in sentences: the best model, the search, how far the scores can be trusted."""

from collections.abc import Sequence

from pipeline.quantity import counted
from pipeline.report.findings import Findings
from pipeline.report.formatting import describe_score, format_params, varying_groups
from pipeline.report.leaderboard import describe_infeasible
from pipeline.report.trial_lines import format_short
from pipeline.study.record import describe_size

_NAMED = 5
"""The most trials that are named one by one."""


def describe_best(found: Findings) -> str:
    """Which model is the best, how good it is and what it is like; that there is none where no trial has left one."""
    record, records = found.best, found.trials.records
    if record is None:
        return "No trial has left a model."
    scores = ", ".join(str(score) for score in (found.validation, found.test) if score is not None)
    parts = [*describe_size(record), *filter(None, [format_params(record.params, varying_groups(records))])]
    lines = [f"The best of {counted(len(records), 'trial')} is #{record.number}: {scores}."]
    if found.tied:
        lines.append(f"As good on the validation images: {describe_numbers(found.tied)}.")
    if parts:
        lines.append(f"Its network: {', '.join(parts)}.")
    if found.evaluated and found.evaluated.model.caveat:
        lines.append(f"Not trained to its end: {found.evaluated.model.caveat}.")
    return " ".join(lines)


def describe_search(found: Findings) -> str:
    """What was searched, on what, how the trials ended, and why there are no more."""
    records, job = found.trials.records, found.job
    epochs, seconds = max(record.trial.epochs for record in records), sum(record.result.seconds for record in records)
    lines = [
        f"The space {job.get('space', 'of this study')} was searched on {found.data}.",
        f"Of {counted(len(records), 'trial')}, {describe_states(found)}; each of at most {counted(epochs, 'epoch')},"
        f" {format_short(seconds)} of training in all.",
        f"They are scored by {describe_score(records[0].metric)}.",
    ]
    if line := describe_infeasible(found.trials.infeasible):
        lines.append(f"{line}.")
    if found.front:
        names = " and ".join(("score", *records[0].objective.minimized))
        lines.append(f"On the Pareto front of {names}: {counted(found.front, 'trial')}.")
    if found.trials.reason is not None:
        lines.append(f"The search ended: {found.trials.reason}.")
    return " ".join(lines)


def describe_trust(found: Findings) -> str:
    """How far the scores can be trusted; "" without a model."""
    if found.best is None:
        return ""
    chosen = "It was chosen by its validation score, which is therefore likely to be a little too good"
    if found.test is None:
        return f"{chosen}. It has not been tested yet."
    return f"{chosen}; the {found.test.n:,} test images took no part in the search and were looked at once."


def describe_states(found: Findings) -> str:
    """How the trials ended: ``12 complete, 4 pruned``."""
    return ", ".join(f"{number:,} {state}" for state, number in found.states.items())


def describe_numbers(numbers: Sequence[int]) -> str:
    """Trials by their numbers, unless they are many.

    >>> describe_numbers([4, 9]), describe_numbers([3]), describe_numbers(range(30))
    ('trials 4, 9', 'trial 3', '30 trials')
    """
    if len(numbers) > _NAMED:
        return counted(len(numbers), "trial")
    return f"trial{'' if len(numbers) == 1 else 's'} {', '.join(map(str, numbers))}"
