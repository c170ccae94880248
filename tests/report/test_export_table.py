"""The table of exported files."""

import io

import pytest
from rich.console import Console

from pipeline.export import FORMATS, ExportResult
from pipeline.report.export_table import export_table

RESULTS = [
    ExportResult(name, one.file_name, 1_234_560_000, 500, 1.2e-06, 0.994, 0.9070, 0.91) for name, one in FORMATS.items()
]


def lines(width):
    output = io.StringIO()
    Console(file=output, width=width).print(export_table(RESULTS))
    return output.getvalue().splitlines()


def test_it_fits_into_80_columns():
    """No cell is cut, whatever the formats, for files of over a gigabyte."""
    narrow = [line.rstrip() for line in lines(80)]
    assert narrow == [line.rstrip() for line in lines(1000)]
    assert max(map(len, narrow)) <= 80


@pytest.mark.parametrize("result", RESULTS, ids=lambda result: result.format)
def test_a_row_has_everything(result):
    head, *rows = lines(80)
    assert head.split() == ["file", "MB", "difference", "same", "class", "accuracy", "change", "takes"]
    (row,) = (row for row in rows if row.split()[0] == result.file)
    size = "any size" if FORMATS[result.format].any_size else "one size"
    assert row.split(maxsplit=5) == [result.file, "1234.56", "1e-06", "99.4%", "-0.0030", size]
