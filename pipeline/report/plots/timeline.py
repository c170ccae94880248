"""The timeline of the workers: when each trial ran, on which of them, and how it ended."""

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pipeline.report.plots.figure import STATE_COLOURS, add_legend, new_figure, remark
from pipeline.report.trial_lines import format_short
from pipeline.study.record import TrialRecord
from pipeline.study.trial import TrialState

_PAUSE = 60.0
"""Seconds without any trial that may count as a pause between two sessions."""

_PAUSE_SHARE = 0.1
"""A pause is also at least this share of the time in which trials ran."""

_CUT = 0.03
"""The width of a pause on the axis, as a share of the time in which trials ran."""

_CHARACTER = 0.012
"""The width of a digit of a trial's number, as a share of the axis."""

_HEIGHT = 0.36
"""Inches of a row."""


class Run(NamedTuple):
    """One run of a trial on its worker: seconds from the begin of the study to its own, and how long it took.

    ``seconds`` is 0 where that is not known: its process was killed, or it still runs.
    """

    trial: int
    state: TrialState
    slot: int
    begin: float
    seconds: float


class Pause(NamedTuple):
    """The seconds from the begin of the study between which no trial ran."""

    begin: float
    end: float


class Axis(NamedTuple):
    """Places times on an axis in minutes, on which each pause is only ``cut`` seconds long."""

    pauses: tuple[Pause, ...]
    cut: float

    def place(self, seconds: float) -> float:
        """The place of a time outside the pauses."""
        skipped = sum(pause.end - pause.begin - self.cut for pause in self.pauses if pause.end <= seconds)
        return (seconds - skipped) / 60


def draw_timeline(runs: Sequence[TrialRecord]) -> Figure | None:
    """A bar for each run of a trial, in the row of its worker; None where no run has noted when and where it was.

    Long pauses between sessions are cut out of the axis, and marked with their length. A run whose end is not known is
    a mark where it began.
    """
    noted = noted_runs(runs)
    if not noted:
        return None
    pauses = find_pauses(noted)
    end = max(run.begin + run.seconds for run in noted)
    busy = end - sum(pause.end - pause.begin for pause in pauses)
    axis = Axis(tuple(pauses), _CUT * busy)
    slots = max(run.slot for run in noted) + 1
    figure, axes = new_figure(9, 1.9 + _HEIGHT * slots)
    for state in TrialState:
        _draw_runs(axes, [run for run in noted if run.state is state], axis)
    for pause in pauses:
        _mark_pause(axes, pause, axis)
    width = max(axis.place(end), 1 / 60)
    for run in noted:
        if run.seconds / 60 > _CHARACTER * width * (len(str(run.trial)) + 1):
            middle = axis.place(run.begin) + run.seconds / 120
            axes.text(middle, run.slot, str(run.trial), color="white", fontsize=8, ha="center", va="center", zorder=4)
    missing = len(runs) - len(noted)
    left_out = f"{missing:,} earlier trials did not note when they ran" if missing else ""
    _dress(axes, slots, width, left_out, bool(pauses))
    add_legend(figure)
    return figure


def noted_runs(runs: Sequence[TrialRecord]) -> list[Run]:
    """The runs that have noted when they began and where; the first of them began at 0."""
    times = [run.trial.began for run in runs if run.trial.began is not None]
    return [
        Run(run.number, run.state, run.trial.slot, run.trial.began - min(times), max(run.result.seconds, 0.0))
        for run in runs
        if run.trial.began is not None and run.trial.slot is not None
    ]


def find_pauses(runs: Sequence[Run]) -> list[Pause]:
    """The long times in which no trial ran, in their order."""
    gaps: list[Pause] = []
    end = 0.0
    for run in sorted(runs, key=lambda run: run.begin):
        if run.begin > end:
            gaps.append(Pause(end, run.begin))
        end = max(end, run.begin + run.seconds)
    busy = end - sum(gap.end - gap.begin for gap in gaps)
    return [gap for gap in gaps if gap.end - gap.begin > max(_PAUSE, _PAUSE_SHARE * busy)]


def _draw_runs(axes: Axes, runs: Sequence[Run], axis: Axis) -> None:
    """Draws the runs of one state."""
    bars, marks = [run for run in runs if run.seconds], [run for run in runs if not run.seconds]
    if bars:
        axes.barh(
            [run.slot for run in bars],
            [run.seconds / 60 for run in bars],
            left=[axis.place(run.begin) for run in bars],
            height=0.74,
            color=STATE_COLOURS[bars[0].state],
            edgecolor="white",
            linewidth=0.5,
            label=bars[0].state.value,
            zorder=3,
        )
    if marks:
        state = marks[0].state
        label = state.value if state is TrialState.RUNNING else f"{state.value}, end unknown"
        places, slots = [axis.place(run.begin) for run in marks], [run.slot for run in marks]
        axes.scatter(places, slots, marker=">", s=36, color=STATE_COLOURS[state], label=label, zorder=4)


def _mark_pause(axes: Axes, pause: Pause, axis: Axis) -> None:
    """A dotted line in the middle of the cut, with the length of the pause above it."""
    place = axis.place(pause.end) - axis.cut / 120
    axes.axvline(place, color="#555555", linestyle=":", linewidth=1.5, zorder=2)
    text = f"{format_short(pause.end - pause.begin)} pause"
    transform = axes.get_xaxis_transform()
    axes.annotate(text, (place, 1), (0, 3), transform, textcoords="offset points", fontsize=8, ha="center")


def _dress(axes: Axes, slots: int, width: float, missing: str, cut: bool) -> None:
    step = -(-slots // 24)
    axes.set_yticks(range(0, slots, step), [f"worker {slot + 1}" for slot in range(0, slots, step)])
    axes.set_ylim(slots - 0.4, -0.6)
    axes.set_xlim(-0.01 * width, 1.01 * width)
    axes.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10]))
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(f"minutes since the study began{', without its pauses' if cut else ''}")
    remark(axes, missing, pad=18 if cut else None)
