"""The recorded runs as curves over time, means over the seeds, a table and a plot. No Keras, no convtune."""

import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

Curve = Sequence[Sequence[float]]
"""Seconds and best validation accuracy so far, at each improvement."""
Run = dict[str, Any]

PEERS = {
    "kt-random": "KerasTuner RandomSearch",
    "kt-bayes": "KerasTuner BayesianOptimization",
    "kt-hyperband": "KerasTuner Hyperband",
    "optuna": "Optuna and a Keras loop",
}
CONTENDERS = PEERS | {"convtune-same": "convtune, the same space", "convtune-plain": "convtune, its space `plain`"}
"""The names of the contenders: in the records, and for readers."""


def value_at(curve: Curve, seconds: float) -> float:
    """The best accuracy by then; 0 before the first epoch has ended.

    >>> value_at([(10, 0.3), (20, 0.4)], 15)
    0.3
    """
    return max((value for moment, value in curve if moment <= seconds), default=0.0)


class Band(NamedTuple):
    """Mean, least and greatest over the seeds."""

    mean: float
    low: float
    high: float

    def show(self, digits: int = 3) -> str:
        """For people; a dash for NaN."""
        if math.isnan(self.mean):
            return "-"
        if self.low == self.high:
            return f"{self.mean:.{digits}f}"
        return f"{self.mean:.{digits}f} ({self.low:.{digits}f} to {self.high:.{digits}f})"


def band(values: Sequence[float]) -> Band:
    """NaN without values."""
    return Band(statistics.fmean(values), min(values), max(values)) if values else Band(math.nan, math.nan, math.nan)


def mean_curve(curves: Sequence[Curve], times: Sequence[float]) -> list[Band]:
    """The step functions' mean, least and greatest at each of the times."""
    return [band([value_at(curve, moment) for curve in curves]) for moment in times]


def reaches(curves: Sequence[Curve], target: float) -> float:
    """The first moment at which the curves' mean is ``target``, infinite if none is.

    >>> reaches([[(10, 0.3), (20, 0.5)], [(5, 0.4)]], 0.45)
    20
    """
    moments = sorted({moment for curve in curves for moment, _ in curve})
    means = mean_curve(curves, moments)
    return next((moment for moment, at in zip(moments, means, strict=True) if at.mean >= target - 1e-9), math.inf)


class Results:
    """The runs of one benchmark. ``budget`` is the peers' longest; a run of another budget only counts at its end."""

    def __init__(self, runs: Sequence[Run]) -> None:
        self.runs = runs
        self.names = [name for name in CONTENDERS if any(run["contender"] == name for run in runs)]
        self.budget = max(run["seconds"] for run in [run for run in runs if run["contender"] in PEERS] or runs)
        self.times = sorted({self.budget / 2, *(run["seconds"] for run in runs)})

    def of(self, name: str, seconds: float | None = None) -> list[Run]:
        """The runs of a contender with one budget, by default the peers', in order of their seeds."""
        chosen = self.budget if seconds is None else seconds
        runs = [run for run in self.runs if run["contender"] == name and run["seconds"] == chosen]
        return sorted(runs, key=lambda run: run["seed"])

    def curves(self, name: str) -> list[Curve]:
        """The curves of a contender with the peers' budget."""
        return [run["curve"] for run in self.of(name)]

    def validation(self, name: str, seconds: float) -> Band:
        """Best accuracies at a time: of runs with that budget, else of those with the peers'."""
        runs = self.of(name, seconds) or self.of(name)
        return band([value_at(run["curve"], seconds) for run in runs])

    def test(self, name: str, seconds: float) -> Band:
        """Test accuracies of the best model at a time: as ``validation``, where it was measured."""
        tests = [run["test"] for run in self.of(name, seconds)]
        if not tests and seconds == self.budget / 2:
            tests = [run["test_half"] for run in self.of(name) if run.get("test_half") is not None]
        return band([test for test in tests if test is not None])

    def target(self) -> tuple[str, float]:
        """The peer whose validation accuracy is best in the end, in the mean of the seeds, and that accuracy."""
        means = {name: self.validation(name, self.budget).mean for name in self.names if name in PEERS}
        means = {name: mean for name, mean in means.items() if not math.isnan(mean)}
        best = max(means, key=means.__getitem__) if means else ""
        return best, means.get(best, math.nan)

    def table(self) -> str:
        """A table in Markdown, with what it shows above it."""
        peer, target = self.target()
        heads = [f"{kind}, {seconds:g} s" for kind in ("validation", "test") for seconds in self.times]
        lines = [
            f"Accuracy, mean (least to greatest) of the seeds. The best peer, {peer or 'none yet'}, ends at "
            f"{target:.3f} on the validation images; 'reached' is when the mean of the longest runs gets there.",
            "",
            "| contender | " + " | ".join([*heads, "reached", "ended", "trials", "epochs", "seeds"]) + " |",
            "|---" * (len(heads) + 6) + "|",
        ]
        lines += [f"| {' | '.join([name, *self._cells(name, target)])} |" for name in self.names]
        return "\n".join([*lines, "", self.circumstances()])

    def summary(self) -> str:
        """A small table in Markdown: test accuracy at half of the budget and at its end, and who reaches the peers."""
        half, whole = self.budget / 2 / 60, self.budget / 60
        _, target = self.target()
        reached = f"reaches a validation accuracy of {target:.3f} after"
        lines = [f"| | test after {half:g} min | test after {whole:g} min | {reached} |", "| --- | --- | --- | --- |"]
        for name in self.names:
            tests = (self.test(name, seconds).show() for seconds in (self.budget / 2, self.budget))
            lines.append(f"| {' | '.join([CONTENDERS[name], *tests, self._reached(name, target)])} |")
        return "\n".join(lines)

    def circumstances(self) -> str:
        """One line: where, with which commits, and how fast and how busy the machine was before each run."""
        machines, commits = ("; ".join(sorted({run[field] for run in self.runs})) for field in ("machine", "commit"))
        rates, loads = (band([run[field] for run in self.runs]) for field in ("sgemm_gflops", "load"))
        return f"{machines}. Commits {commits}. Before each run: sgemm {rates.show(0)} GFLOP/s, load {loads.show(1)}"

    def _cells(self, name: str, target: float) -> list[str]:
        runs = self.of(name)
        return [
            *(self.validation(name, seconds).show() for seconds in self.times),
            *(self.test(name, seconds).show() for seconds in self.times),
            self._reached(name, target),
            f"{band([run['search_seconds'] for run in runs]).show(0)} s",
            band([run["trials"] for run in runs]).show(0),
            band([run["epochs"] for run in runs]).show(0),
            str(len(runs)),
        ]

    def _reached(self, name: str, target: float) -> str:
        seconds = reaches(self.curves(name), target)
        return "never" if math.isinf(seconds) else f"{seconds:.0f} s"

    def plot(self, file: Path) -> None:
        """Draws the mean of each contender's best validation accuracy over time, with least and greatest as a band."""
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot

        figure, axes = pyplot.subplots(figsize=(8, 4.8))
        times = [self.budget * step / 600 for step in range(601)]
        for number, name in enumerate(name for name in self.names if self.of(name)):
            bands = mean_curve(self.curves(name), times)
            first = next((at for at, one in enumerate(bands) if one.low > 0), len(times))
            shown, moments, colour = bands[first:], times[first:], f"C{number}"
            line = {"color": colour, "label": CONTENDERS[name], "linewidth": 1.4 if name in PEERS else 2.6}
            axes.step(moments, [one.mean for one in shown], where="post", **line)
            lows, highs = [one.low for one in shown], [one.high for one in shown]
            axes.fill_between(moments, lows, highs, step="post", color=colour, alpha=0.12, linewidth=0)
        axes.set(xlabel="seconds since the start of the process", ylabel="best validation accuracy", xlim=(0, None))
        axes.grid(alpha=0.3)
        axes.legend(loc="lower right", frameon=False)
        figure.tight_layout()
        file.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(file, dpi=110)
        pyplot.close(figure)
