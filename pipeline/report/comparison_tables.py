"""Times and sizes of measured models, and whether two of them differ, for a terminal."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from pipeline.errors import printable
from pipeline.metrics.mcnemar import LEVEL, McNemar
from pipeline.quantity import counted
from pipeline.report.evaluation_tables import PLACES
from pipeline.report.measured_model import MeasuredModel


def legend(models: Sequence[MeasuredModel]) -> Table:
    """The files that the other tables call first and second."""
    table = _table("", "")
    for place, model in zip(PLACES, models, strict=True):
        table.add_row(place, Text(printable(model.file), overflow="fold"))
    return table


def cost_table(models: Sequence[MeasuredModel]) -> Table:
    """The milliseconds of a call with so many images, and the size; one column for each model."""
    table = _table("", *(PLACES if len(models) > 1 else [""]))
    for latencies in zip(*(model.latencies for model in models), strict=True):
        images = counted(latencies[0].batch, "image")
        table.add_row(f"{images}, median", *(f"{latency.p50_ms:.2f} ms" for latency in latencies))
        table.add_row(f"{images}, 95th percentile", *(f"{latency.p95_ms:.2f} ms" for latency in latencies))
    table.add_row("size of the model", *(f"{model.size / 1e6:.2f} MB" for model in models))
    return table


def agreement_table(test: McNemar) -> Table:
    """The images that both models, one of them or neither classify rightly."""
    table = _table("", "second right", "second wrong")
    table.add_row("first right", f"{test.both_right:,}", f"{test.only_first:,}")
    table.add_row("first wrong", f"{test.only_second:,}", f"{test.both_wrong:,}")
    return table


def conclusion(test: McNemar) -> str:
    """A sentence: whether the models differ at 5 %, and how that was found out."""
    p = f"p = {test.p_value:.2g}" if test.p_value >= 0.0001 else "p < 0.0001"
    first, second = test.accuracies
    level = f"{100 * LEVEL:.0f} %"
    how = f"accuracy {first:.4f} against {second:.4f}, {p}, McNemar's test ({test.test})"
    if test.differ:
        return f"The {PLACES[second > first]} model is better, beyond chance at {level}: {how}."
    return (
        f"No difference beyond chance at {level}: {how}. That does not mean that the models are equal: "
        "more images could show a difference."
    )


def _table(*headers: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold", show_header=any(headers))
    for number, header in enumerate(headers):
        table.add_column(header, justify="right" if number and any(headers) else "left", no_wrap=bool(number == 0))
    return table
