"""The live view of a running study, drawn with rich's progress columns. It reads no clock and no terminal."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.table import Column
from rich.text import Text

from pipeline.metrics import DEFAULT_METRIC
from pipeline.report.formatting import format_drawn, truncate
from pipeline.report.study_progress import RunningTrial, StudyProgress
from pipeline.report.trial_lines import (
    describe_counts,
    describe_fit,
    describe_pace,
    describe_share,
    format_share,
    format_time,
)
from pipeline.study.trial import BatchReport

_BAR_WIDTH = 32
"""The most columns of the study's bar."""

_LEAST_BAR = 4
"""Columns below which the bar of an epoch is left out."""

_CURVE_WIDTH = 16
"""The most columns of a sparkline."""

_NARROW = 50
"""Columns below which the time elapsed is left out."""

_HEAD = 5
"""Lines of the view above its trials, and the one below."""

_STARTING = "starting"
"""Stands for the score of a trial that has not finished an epoch."""


@dataclass(frozen=True)
class LiveView:
    """A study's bar, the counts of its trials, the best one, and one or two lines for each running trial.

    No line is wider than the terminal, and no trial is drawn below its last line: 64 trials took 190 ms (measured).
    ``elapsed`` and ``left`` are seconds; ``left`` is None where it is unknown.
    ``fit`` is the number of trials that the time limit has room for, None if that is no matter.
    """

    study: StudyProgress
    elapsed: float
    left: float | None = None
    fit: int | None = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text()
        yield self._study_line(options.max_width)
        forecast = "" if self.fit is None else f"{describe_fit(self.fit)}  "
        yield _OneLine(Text(f"       {forecast}{describe_counts(self.study)}", "dim"))
        yield from self._best_line()
        yield from self._trial_lines(console, options.max_width)

    def _trial_lines(self, console: Console, width: int) -> RenderResult:
        """As many trials as the terminal has lines for, with their batches if those have room too."""
        running, room = self.study.running, max(2, console.height - _HEAD)
        shown = running if len(running) <= room else running[: room - 1]
        for trial in shown:
            yield self._trial_line(trial)
            if trial.batch is not None and 2 * len(running) <= room:
                yield _batch_line(trial.batch, describe_pace(trial), width)
        if len(shown) < len(running):
            yield _OneLine(Text(f"       and {len(running) - len(shown):,} more that run", "dim"))

    def _study_line(self, width: int) -> RenderableType:
        study = self.study
        finite = math.isfinite(study.total)
        columns: list[str | ProgressColumn] = ["trials"]
        if finite:
            columns.append(BarColumn(bar_width=None, table_column=Column(max_width=_BAR_WIDTH)))
        columns.append(TextColumn("{task.fields[ended]}"))
        if width >= _NARROW:
            columns += [TimeElapsedColumn(table_column=Column(no_wrap=True)), "elapsed"]
        columns.append(TextColumn("{task.fields[left]}", style="progress.remaining"))
        progress = Progress(*columns, get_time=lambda: self.elapsed)
        task = progress.add_task(
            "",
            total=study.total if finite else None,
            ended=format_share(len(study.ended), study.total) if finite else str(len(study.ended)),
            left=f"{format_time(self.left)} left" if self.left else "",
        )
        progress.tasks[0].start_time = 0  # so that rich's column shows the seconds elapsed
        progress.update(task, completed=study.total - study.left if finite else 0)
        return progress

    def _best_line(self) -> RenderResult:
        best = self.study.best
        if best is not None:
            metric = "" if best.metric.name == DEFAULT_METRIC.name else f" {best.metric.label}"
            line = Text.assemble("best   ", (f"{best.score:.4f}", "bold green"), f"{metric}  trial {best.number}  ")
            yield _OneLine(line.append(format_drawn(best), "dim"))

    def _trial_line(self, trial: RunningTrial) -> RenderableType:
        digits = max(len(str(trial.record.number)) for trial in self.study.running)
        progress = Progress(
            "trial",
            f"{trial.record.number:>{digits}}",
            "epoch",
            MofNCompleteColumn(table_column=Column(no_wrap=True)),
            TextColumn("{task.fields[score]}", table_column=Column(no_wrap=True, min_width=len(_STARTING))),
            _FieldColumn("curve"),
            _FieldColumn("params"),
        )
        progress.add_task(
            "",
            total=trial.record.trial.epochs,
            completed=len(trial.scores),
            score=f"{trial.scores[-1]:.4f}" if trial.scores else _STARTING,
            curve=_Curve(trial),
            params=_OneLine(Text(format_drawn(trial.record), "dim")),
        )
        return progress


def _batch_line(report: BatchReport, pace: str, width: int) -> RenderableType:
    """How far the trial above is within its epoch. Words go before the bar where there is not room for both."""
    share = f"      {describe_share(report)}"
    bar_width = min(_BAR_WIDTH, width - len(share) - len(pace) - 2)
    if not report.batches or bar_width < _LEAST_BAR:
        return _OneLine(Text.assemble(share, " ", (pace, "dim")))
    progress = Progress("{task.description}", BarColumn(bar_width), TextColumn("{task.fields[pace]}", style="dim"))
    progress.add_task(share, total=report.batches, completed=report.batch, pace=pace)
    return progress


class _FieldColumn(ProgressColumn):
    """Shows the renderable that a task has as a field. It gets narrower before the other columns do."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def render(self, task: Task) -> RenderableType:
        renderable: RenderableType = task.fields[self._name]
        return renderable


@dataclass(frozen=True)
class _OneLine:
    """Text that is never wrapped: what does not fit is cut off between words."""

    text: Text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield truncate(self.text, options.max_width)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(1, min(max(self.text.cell_len, 1), options.max_width))


@dataclass(frozen=True)
class _Curve:
    """The sparkline of a running trial's scores. It takes the same width from the first epoch on."""

    trial: RunningTrial

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(sparkline(self.trial.scores, min(options.max_width, _CURVE_WIDTH)), "cyan")

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(1, min(self.trial.record.trial.epochs, _CURVE_WIDTH, options.max_width))


def sparkline(numbers: Sequence[float], columns: int) -> str:
    """One character per number, scaled from the least to the greatest; a blank where one is not finite.

    More numbers than ``columns`` (at least 1) are thinned evenly, and the last one is always shown.

    >>> sparkline([0.1, 0.2, 0.3, 0.8], 8)
    '▁▂▃█'
    """
    drawn = list(numbers)
    if len(drawn) > columns:
        drawn = [drawn[(column + 1) * len(drawn) // columns - 1] for column in range(columns)]
    finite = [number for number in drawn if math.isfinite(number)]
    least, greatest = min(finite, default=0.0), max(finite, default=0.0)
    return "".join(_block(number, least, greatest) for number in drawn)


def _block(number: float, least: float, greatest: float) -> str:
    """The character for a number between the least and the greatest one; of medium height if they are equal."""
    if least == greatest and math.isfinite(number):
        return "▄"
    share = (number - least) / ((greatest - least) or math.inf)
    return "▁▂▃▄▅▆▇█"[round(7 * share)] if math.isfinite(share) else " "
