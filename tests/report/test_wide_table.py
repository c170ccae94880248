"""The table with a long last column."""

import pytest
from rich.console import Console
from rich.text import Text

from pipeline.report.wide_table import WideTable


def lines(width, name="a-long-name"):
    columns = {"study": [Text(name), Text("b")], "score": [Text("0.9"), Text("0.85")]}
    console = Console(width=width, highlight=False)
    with console.capture() as captured:
        console.print(WideTable(columns, "params", [Text("blocks=1"), Text("")], words=("study",)))
    return [line.rstrip() for line in captured.get().splitlines()]


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (40, ["study        score  params", "a-long-name    0.9  blocks=1", "b             0.85"]),
        (20, ["study        score", "a-long-name    0.9", "    blocks=1", "b             0.85"]),
        (14, ["study    score", "a-long…    0.9", "    blocks=1", "b         0.85"]),
    ],
)
def test_what_does_not_fit_goes_below_and_the_name_is_cut_last(width, expected):
    assert lines(width) == expected
