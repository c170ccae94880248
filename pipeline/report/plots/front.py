"""The score of the trials against one of their costs, and the front of the two."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, LogLocator, NullLocator

from pipeline.metrics import Direction
from pipeline.report.plots.figure import BLUE, GREY, ORANGE, add_legend, new_figure, scatter, score_of, use_scores
from pipeline.space.limits import COSTS
from pipeline.study.objective import pareto_front
from pipeline.study.record import TrialRecord
from pipeline.study.trial import TrialState

_MOST_NUMBERS = 25
"""The most trials of a front that have their numbers beside them."""


def draw_front(records: Sequence[TrialRecord], cost: str) -> Figure | None:
    """The complete trials by a cost; those on the front stand out, with their numbers.

    It is the front of the study if that minimises the cost, else that of the score and this cost alone. None where no
    trial is complete, and for a cost that is not minimised also where fewer than two trials differ in it.
    """
    trials = [
        record
        for record in records
        if record.state is TrialState.COMPLETE and record.score is not None and cost in record.costs
    ]
    minimized = bool(trials) and cost in trials[0].objective.minimized
    if not trials or (not minimized and len({record.costs[cost] for record in trials}) < 2):
        return None
    metric = trials[0].metric
    figure, axes = new_figure(7, 4)
    front = _numbers_on_front(trials, cost, minimized)
    label = "on the Pareto front" if minimized else "best of its size"
    for is_on, colour, name in ((False, GREY, "complete"), (True, BLUE, label)):
        points = [(record.costs[cost], score_of(record)) for record in trials if (record.number in front) is is_on]
        scatter(axes, points, colour, name)
    if len(front) <= _MOST_NUMBERS:
        for record in trials:
            if record.number in front:
                _annotate(axes, record, cost)
    axes.step(*stairs(trials, cost), where="post", color=ORANGE, label=f"best {metric.label} at no higher cost")
    _use_costs(axes, [record.costs[cost] for record in trials], cost)
    axes.margins(y=0.1)
    axes.set_xlabel(COSTS[cost].help)
    use_scores(axes, metric)
    add_legend(figure)
    return figure


def _numbers_on_front(trials: Sequence[TrialRecord], cost: str, minimized: bool) -> set[int]:
    if minimized:
        return {record.number for record in trials if record.front}
    points = [(record.costs[cost], record.metric.loss(score_of(record))) for record in trials]
    return {trials[index].number for index in pareto_front(points)}


def _use_costs(axes: Axes, costs: Sequence[float], cost: str) -> None:
    """Puts the costs along the horizontal axis: a logarithmic one if the largest is three times the smallest."""
    if 0 < 3 * min(costs) <= max(costs):
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:g}" if cost == "latency_ms" else EngFormatter())


def _annotate(axes: Axes, record: TrialRecord, cost: str) -> None:
    """Writes the trial's number beside its point, on the side where the stairs do not go."""
    below = record.metric.direction is Direction.MINIMIZE
    axes.annotate(
        str(record.number),
        (record.costs[cost], score_of(record)),
        (0, -4 if below else 4),
        textcoords="offset points",
        ha="center",
        va="top" if below else "bottom",
        fontsize=8,
    )


def stairs(records: Sequence[TrialRecord], cost: str) -> tuple[list[float], list[float]]:
    """The front of the score and this one cost: costs from the cheapest trial to the most expensive, and scores."""
    metric = records[0].metric
    points = [(record.costs[cost], metric.loss(score_of(record))) for record in records]
    front = sorted({points[index] for index in pareto_front(points)})
    front.append((max(points)[0], front[-1][1]))
    return [cost for cost, _ in front], [metric.loss(loss) for _, loss in front]  # a loss of a loss is the score again
