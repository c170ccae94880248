"""The history of a search: the score of every trial, and the best so far."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from pipeline.report.plots.figure import (
    BLUE,
    GREY,
    ORANGE,
    PURPLE,
    RED,
    ScoreRange,
    add_legend,
    new_figure,
    remark,
    scatter,
    score_of,
    use_scores,
    use_whole_numbers,
)
from pipeline.study.record import TrialRecord
from pipeline.study.trial import TrialState

_MARKERS = {
    TrialState.COMPLETE: ("o", BLUE),
    TrialState.PRUNED: ("x", GREY),
    TrialState.FAILED: ("v", RED),
    TrialState.INTERRUPTED: ("d", PURPLE),
}


def draw_history(records: Sequence[TrialRecord]) -> Figure | None:
    """The scores by trial number; None where no trial that ended has one."""
    scored = [record for record in records if record.score is not None and record.state in _MARKERS]
    scored.sort(key=lambda record: record.number)
    if not scored:
        return None
    figure, axes = new_figure(7, 4)
    shown = ScoreRange.of([score_of(record) for record in scored], scored[0].metric)
    for state, (marker, colour) in _MARKERS.items():
        points = [(record.number, shown.clip(score_of(record))) for record in scored if record.state is state]
        scatter(axes, points, colour, state.value, marker)
    numbers, best = best_so_far(scored)
    if numbers:
        line = [shown.clip(score) for score in best]
        axes.step(numbers, line, where="post", color=ORANGE, label="best complete so far")
    axes.set_xlabel("trial number")
    remark(axes, shown.note)
    use_scores(axes, scored[0].metric)
    shown.apply(axes)
    use_whole_numbers(axes)
    add_legend(figure)
    return figure


def best_so_far(records: Sequence[TrialRecord]) -> tuple[list[int], list[float]]:
    """The best score of the complete trials so far, from the first of them to the last trial of any state."""
    numbers: list[int] = []
    scores: list[float] = []
    best: float | None = None
    for record in records:
        if record.state is TrialState.COMPLETE and record.metric.better(score_of(record), best):
            best = record.score
        if best is not None:
            numbers.append(record.number)
            scores.append(best)
    return numbers, scores
