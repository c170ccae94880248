"""The Pareto front of a study that minimises costs: the score against one of them."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.metrics import Direction
from pipeline.report.plots.figure import BLUE, GREY, ORANGE, add_legend, new_figure, scatter, score_of, use_scores
from pipeline.space.limits import COSTS
from pipeline.study.objective import pareto_front
from pipeline.study.record import TrialRecord
from pipeline.study.trial import TrialState


def draw_front(records: Sequence[TrialRecord], cost: str) -> Figure | None:
    """The complete trials by a cost; those on the front of the study stand out, with their numbers.

    None where the study does not minimise this cost, or where no trial is complete.
    """
    complete = [record for record in records if record.state is TrialState.COMPLETE and record.score is not None]
    trials = [record for record in complete if cost in record.objective.minimized]
    if not trials:
        return None
    metric = trials[0].metric
    figure, axes = new_figure(7, 4)
    for on_front, colour, label in ((False, GREY, "complete"), (True, BLUE, "on the Pareto front")):
        points = [(record.costs[cost], score_of(record)) for record in trials if record.front is on_front]
        scatter(axes, points, colour, label)
    for record in trials:
        if record.front:
            _annotate(axes, record, cost)
    axes.step(*stairs(trials, cost), where="post", color=ORANGE, label=f"best {metric.label} at no higher cost")
    if min(record.costs[cost] for record in trials) > 0:
        axes.set_xscale("log")
    axes.margins(y=0.1)
    title = f"{metric.label[0].upper()}{metric.label[1:]} against its cost"
    axes.set(xlabel=COSTS[cost].help, title=title)
    use_scores(axes, metric)
    add_legend(figure)
    return figure


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
