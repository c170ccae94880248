"""Exported files as a table for a terminal."""

from collections.abc import Sequence

from rich.table import Table

from pipeline.export.export import ExportResult
from pipeline.export.formats import FORMATS


def export_table(results: Sequence[ExportResult]) -> Table:
    """One row per file: its size, how it compares with the model, and whether it takes images of any size.

    It is compared by the largest difference of a probability, the share of images with the same class, and the change
    of accuracy where labels are known. All fits into 80 columns.
    """
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("file", no_wrap=True)
    for name in ("MB", "difference", "same class", "accuracy change"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("takes", no_wrap=True)
    for result in results:
        export_format = FORMATS[result.format]
        table.add_row(
            result.file,
            f"{result.bytes / 1e6:.2f}",
            f"{result.difference:.1g}",
            f"{result.agreement:.1%}",
            _change(result),
            "any size" if export_format.any_size else "one size",
        )
    return table


def _change(result: ExportResult) -> str:
    if result.accuracy is None or result.accuracy_of_model is None:
        return "-"
    return f"{result.accuracy - result.accuracy_of_model:+.4f}"
