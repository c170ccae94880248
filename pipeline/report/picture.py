"""How a running study stands, and the text that shows it. Pure: no clock, no terminal."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.text import Text

from pipeline.record import Record, ranked
from pipeline.report.compact import compact, stem, telling
from pipeline.trial import Outcome, Report, State

_BAR, _SPARK = 32, 16
"""Most columns of the study's bar and of a sparkline."""
_WORD = 20
"""Columns from which on a word is broken where a line is cut."""


@dataclass(frozen=True)
class Running:
    """A trial that trains: ``record`` as it began, ``accuracies`` on the validation images, one an epoch."""

    record: Record
    epochs: int
    accuracies: tuple[float, ...] = ()

    def after(self, report: Report) -> "Running":
        """The trial after an epoch; itself when the report is another's."""
        if self.record.number != report.number:
            return self
        return replace(self, accuracies=(*self.accuracies, report.metrics["val_accuracy"]))


@dataclass(frozen=True)
class Standing:
    """How the study stands, replaced as a whole at every event.

    ``total`` may be infinite; ``earlier`` of the ``ended`` trials are from former runs of the command.
    """

    total: float
    ended: tuple[Record, ...] = ()
    running: tuple[Running, ...] = ()
    infeasible: int = 0
    earlier: int = 0

    @property
    def work(self) -> float:
        """Trials' worth of work done in this run, shares of running ones included."""
        return len(self.ended) - self.earlier + sum(len(one.accuracies) / one.epochs for one in self.running)

    @property
    def left(self) -> float:
        """Trials' worth of work still to do."""
        return max(self.total - self.earlier - self.work, 0)

    @property
    def digits(self) -> int:
        """Columns of the greatest trial number."""
        return len(str(int(self.total) - 1)) if math.isfinite(self.total) else 2

    def began(self, trial: Running) -> "Standing":
        """After a trial began."""
        return replace(self, running=(*self.running, trial))

    def reported(self, report: Report) -> "Standing":
        """After a trial finished an epoch."""
        return replace(self, running=tuple(one.after(report) for one in self.running))

    def closed(self, outcome: Outcome) -> "Standing":
        """After a trial ended; one that was interrupted is still to do."""
        record = replace(self.trial(outcome.number).record, outcome=outcome)
        running = tuple(one for one in self.running if one.record.number != outcome.number)
        ended = self.ended if outcome.state is State.INTERRUPTED else (*self.ended, record)
        return replace(self, running=running, ended=ended)

    def trial(self, number: int) -> Running:
        """The running trial of that number."""
        return next(one for one in self.running if one.record.number == number)


def picture(standing: Standing, elapsed: float, left: float | None, width: int) -> list[Text]:
    """The live view: the study's bar, counts, the best trial, then a line for each running one, none too wide."""
    lines = [_study_line(standing, elapsed, left, width), Text(f"       {counts(standing)}", "dim")]
    if top := ranked(list(standing.ended)):
        head = Text.assemble("best   ", (f"{top[0].value:.4f}", "bold green"), f"  trial {top[0].number}")
        lines.append(head.append(f"  {deciding(top[0])}", "dim"))
    lines += [_running_line(trial, standing.digits) for trial in standing.running]
    return [Text(), *(cut(line, width) for line in lines)]


def _study_line(standing: Standing, elapsed: float, left: float | None, width: int) -> Text:
    times = f"{clock(elapsed)} elapsed" + (f"  {clock(left)} left" if left else "")
    place = f"{of(len(standing.ended), standing.total)}  {times}"
    cells = min(_BAR, width - len(f"trials   {place}"))
    if not math.isfinite(standing.total):
        return Text(f"trials {len(standing.ended)}  {times}")
    if cells < 4:
        return Text(f"trials {place}")
    filled = math.floor(cells * (1 - standing.left / standing.total))
    return Text.assemble("trials ", ("━" * filled, "green"), ("─" * (cells - filled), "dim"), f"  {place}")


def _running_line(trial: Running, digits: int) -> Text:
    epoch, columns = len(trial.accuracies), min(trial.epochs, _SPARK)
    line = Text(f"{title(trial.record.number, digits)}  epoch {epoch:>{len(str(trial.epochs))}}/{trial.epochs}  ")
    if trial.accuracies:
        line.append(f"{trial.accuracies[-1]:.4f}  ").append(
            f"{sparkline(trial.accuracies, columns):<{columns}}", "cyan"
        )
    else:
        line.append(f"{'starting':<{columns + 8}}", "dim")
    return line.append(f"  {deciding(trial.record)}", "dim")


def began_line(record: Record, digits: int = 1) -> str:
    """``trial 7  began     filters=16,32 lr=0.0021``."""
    return f"{title(record.number, digits)}  began     {deciding(record)}".rstrip()


def epoch_line(report: Report, epochs: int, digits: int = 1) -> str:
    """``trial 7  epoch 3/8  loss 0.3124  accuracy 0.9012``: every metric of an epoch."""
    metrics = "  ".join(f"{key} {value:.4g}" for key, value in report.metrics.items())
    return f"{title(report.number, digits)}  epoch {report.epoch:>{len(str(epochs))}}/{epochs}  {metrics}"


def ended_line(record: Record, digits: int = 1) -> str:
    """``trial 7  complete  0.9523  8 epochs   6.1 s    filters=16,32 lr=0.0021``; why, if it did not go to its end."""
    outcome = record.outcome
    value = "-" if record.value is None else f"{record.value:.4f}"
    length = f"{_count(outcome.epochs, 'epoch'):<9}  {outcome.seconds:.1f} s".ljust(18)
    parts = [title(record.number, digits), f"{record.state:<8}", f"{value:<6}", length]
    parts += [telling(outcome), deciding(record)]
    return "  ".join(part for part in parts if part).rstrip()


def title(number: int, digits: int) -> str:
    """``trial  7``: the number set to ``digits`` columns."""
    return f"trial {number:>{digits}}"


def of(done: int, total: float) -> str:
    """``7/20``, or ``7 trials`` of an unknown total."""
    return f"{done}/{total:.0f}" if math.isfinite(total) else _count(done, "trial")


def counts(standing: Standing) -> str:
    """How many trials ended how, and how many proposals were infeasible."""
    states = Counter(record.state for record in standing.ended)
    ends = [f"{states[state]} {state}" for state in (State.COMPLETE, State.PRUNED, State.FAILED)]
    return "  ".join([*ends, _count(standing.infeasible, "infeasible proposal")])


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def deciding(record: Record) -> str:
    """The values that the space drew, in few characters."""
    return compact(record.values, list(dict.fromkeys(stem(key)[0] for key in record.varied)))


def cut(line: Text, width: int) -> Text:
    """The line, at most ``width`` columns of it (at least 1): whole words unless they are long, then an ellipsis."""
    if line.cell_len <= width:
        return line
    kept = line.copy()
    kept.truncate(max(width, 1) - 1)
    end = kept.plain.rfind(" ") + 1
    if len(kept.plain) - end < _WORD:
        kept = kept[:end] if end else kept
    return kept.append("…")


def sparkline(values: Sequence[float], columns: int) -> str:
    """A bar of one column a value, scaled from the least to the greatest; a blank where one is not finite.

    More values than ``columns`` (at least 1) are thinned evenly, and the last one is always shown.
    """
    shown = list(values)
    if len(shown) > columns:
        shown = [shown[(column + 1) * len(shown) // columns - 1] for column in range(columns)]
    finite = [value for value in shown if math.isfinite(value)]
    low, span = min(finite, default=0.0), max(finite, default=0.0) - min(finite, default=0.0)
    return "".join(_level((value - low) / (span or math.inf), span) for value in shown)


def _level(share: float, span: float) -> str:
    if not math.isfinite(share):
        return " "
    return "▁▂▃▄▅▆▇█"[round(share * 7)] if span else "▄"


def time_left(left: float, work: float, seconds: float, until: float | None) -> float | None:
    """Seconds until the study ends: ``left`` trials at the pace of ``work`` trials in ``seconds``, or sooner.

    ``until`` is what is left of the time limit. None when neither tells: nothing is done yet, or no end is known.
    """
    by_trials = left * seconds / work if work > 0 and seconds > 0 else math.inf
    ends = min(by_trials, math.inf if until is None else max(until, 0.0))
    return ends if math.isfinite(ends) else None


def clock(seconds: float) -> str:
    """``0:07``, ``12:30`` or ``1:02:30``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
