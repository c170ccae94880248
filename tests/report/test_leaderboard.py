"""The tables of trials on a terminal and elsewhere."""

import re
from dataclasses import replace

import pytest
from rich.console import Console

from pipeline.record import ranked, with_front
from pipeline.report.leaderboard import infeasible_line, leaderboard, listing
from pipeline.trial import State
from tests.report.made_up import record

LONG = {f"filters_{position}": 128 for position in range(1, 6)} | {f"kernel_{position}": 3 for position in range(1, 6)}
RECORDS = [
    record(0, 0.81, values={"blocks": 1, "filters_1": 16, "learning_rate": 0.01}, seconds=1234.5),
    record(1, 0.95, State.PRUNED, reason="pruned after epoch 3", values={"blocks": 2, "learning_rate": 0.02} | LONG),
    record(2, 0.91, values={"blocks": 3, "learning_rate": 0.03} | LONG, parameters=1_234_567),
    record(3, None, State.FAILED, reason="loss is [nan]", values={"blocks": 3, "learning_rate": 0.5} | LONG),
]


def shown(renderable, width=200, **settings) -> str:
    console = Console(width=width, highlight=False, **settings)
    with console.capture() as captured:
        console.print(renderable)
    return captured.get()


def test_the_leaderboard_ranks_complete_trials_first():
    lines = shown(leaderboard(RECORDS)).splitlines()
    assert lines[0].split() == ["rank", "trial", "value", "epochs", "parameters", "MACs", "seconds", "state", "values"]
    assert [line.split()[:3] for line in lines[1:]] == [
        ["1", "2", "0.9100"],
        ["2", "0", "0.8100"],
        ["3", "1", "0.9500"],
    ]
    assert "1.2 M" in lines[1]
    assert "2.1 M" in lines[1]
    assert "1,234.5" in lines[2]
    assert "blocks=1 filters=16 lr=0.01" in lines[2]


def test_the_state_is_told_only_where_it_tells_something():
    assert "state" not in shown(leaderboard(RECORDS, top=2))


def test_the_leaderboard_stops_at_top_but_sees_what_varies_among_all():
    text = shown(leaderboard(RECORDS, top=1))
    assert len(text.splitlines()) == 3
    assert "blocks=3" in text
    assert text.splitlines()[-1] == f"and {len(ranked(RECORDS)) - 1} more: convtune trials"
    assert "more" not in shown(leaderboard(RECORDS))


def test_without_values_a_line_says_so():
    assert shown(leaderboard([record(0, None, State.FAILED)])) == "No trial has a value.\n"
    assert shown(leaderboard([])) == "No trial has a value.\n"


def test_the_listing_keeps_the_order_and_tells_reasons():
    text = shown(listing(RECORDS[::-1], RECORDS))
    lines = text.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["3", "2", "1", "0"]
    assert "(loss is [nan])" in lines[1]
    assert "pruned after" not in text  # the state and the epochs stand in columns
    assert "1,234,567" in lines[2]
    assert lines[1].split()[2] == "-"


def test_what_does_not_vary_is_not_shown():
    same = [record(number, 0.5 + number / 10, values={"blocks": number, "optimizer": "adam"}) for number in range(3)]
    assert "optimizer" not in shown(listing(same, same))
    assert "blocks=1" in shown(listing(same, same))


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("make", [leaderboard, lambda records: listing(records, records)])
def test_it_fits_a_terminal_and_loses_nothing(width, make):
    text = shown(make(RECORDS), width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    words = " ".join(text.split())
    assert words.count("filters=128,128,128,128,128") >= 2
    assert words.count("kernel=3,3,3,3,3") >= 2
    assert len(re.findall(r"lr=0\.\d+", words)) >= 3


def test_values_stand_beside_the_numbers_where_they_fit():
    small = [record(number, 0.5, values={"blocks": number}) for number in range(3)]
    assert len(shown(listing(small, small), 80).splitlines()) == 4


def test_colours_only_on_a_terminal():
    assert "\x1b[" in shown(listing(RECORDS, RECORDS), force_terminal=True, color_system="standard")
    assert "\x1b[" not in shown(listing(RECORDS, RECORDS), force_terminal=False)


FRONT = with_front(
    [
        record(0, 0.95, values={"blocks": 3}, macs=9_000_000),
        record(1, 0.90, values={"blocks": 4}, macs=9_500_000),
        record(2, 0.60, values={"blocks": 1}, macs=1_000_000, costs={"latency_ms": 0.01234}),
        record(3, 0.99, State.PRUNED, values={"blocks": 2}, macs=500_000),
    ],
    ("macs",),
)


def test_the_front_stands_first_and_is_marked():
    lines = shown(leaderboard(FRONT)).splitlines()
    assert lines[0].split()[:5] == ["rank", "trial", "value", "front", "epochs"]
    cells = [line.split() for line in lines[1:]]
    assert [row[1] for row in cells] == ["0", "2", "1", "3"]
    assert [row[3] == "yes" for row in cells] == [True, True, False, False]
    assert "0.0123" in lines[2]


def test_all_of_the_front_is_shown():
    places = [str(place) for place in range(1, 5)]
    for top, listed in ((1, 2), (3, 3)):
        rows = [line.split()[0] for line in shown(leaderboard(FRONT, top=top)).splitlines()]
        assert [row for row in rows if row in places] == places[:listed]


def test_the_listing_marks_the_front():
    lines = shown(listing(FRONT[1:3], FRONT)).splitlines()
    assert [line.split()[3] == "yes" for line in lines[1:]] == [False, True]
    assert "front" not in shown(listing(RECORDS, RECORDS))
    assert "latency_ms" not in shown(leaderboard(RECORDS))


@pytest.mark.parametrize("make", [leaderboard, lambda records: listing(records, records)])
def test_costs_that_were_not_counted_are_a_dash(make):
    assert shown(make([replace(RECORDS[0], costs={})])).splitlines()[1].split().count("-") == 2


def test_infeasible_proposals():
    counts = {"macs over the limit": 4, "map vanishes": 8}
    assert infeasible_line(counts) == "12 infeasible proposals: 8 map vanishes, 4 macs over the limit"
    assert infeasible_line({"map vanishes": 1}) == "1 infeasible proposal: 1 map vanishes"
    assert infeasible_line({}) == ""
