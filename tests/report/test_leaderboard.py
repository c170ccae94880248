"""The tables of trials on a terminal and elsewhere."""

import re
from dataclasses import replace

import pytest
from rich.console import Console

from pipeline.metrics import METRICS
from pipeline.report.leaderboard import describe_infeasible, render_leaderboard, render_listing
from pipeline.study.record import mark_front, ranked
from pipeline.study.trial import TrialState
from tests.report.made_up import record

LONG = {f"filters_{position}": 128 for position in range(1, 6)} | {f"kernel_{position}": 3 for position in range(1, 6)}
RECORDS = [
    record(0, 0.81, params={"blocks": 1, "filters_1": 16, "learning_rate": 0.01}, seconds=1234.5),
    record(
        1, 0.95, TrialState.PRUNED, reason="pruned after epoch 3", params={"blocks": 2, "learning_rate": 0.02} | LONG
    ),
    record(2, 0.91, params={"blocks": 3, "learning_rate": 0.03} | LONG, parameters=1_234_567),
    record(3, None, TrialState.FAILED, reason="loss is [nan]", params={"blocks": 3, "learning_rate": 0.5} | LONG),
]


def render(renderable, width=200, **settings) -> str:
    console = Console(width=width, highlight=False, **settings)
    with console.capture() as captured:
        console.print(renderable)
    return captured.get()


def test_the_leaderboard_ranks_complete_trials_first():
    lines = render(render_leaderboard(RECORDS)).splitlines()
    assert lines[0].split() == ["rank", "trial", "score", "epochs", "parameters", "macs", "seconds", "state", "params"]
    assert [line.split()[:3] for line in lines[1:4]] == [
        ["1", "2", "0.9100"],
        ["2", "0", "0.8100"],
        ["3", "1", "0.9500"],
    ]
    assert lines[4:] == ["Trials that left a model rank before the others."]
    assert "1.2 M" in lines[1]
    assert "2.1 M" in lines[1]
    assert "1,234.5" in lines[2]
    assert "blocks=1 filters=16 lr=0.01" in lines[2]


def test_the_state_has_a_column_only_where_it_differs():
    assert "state" not in render(render_leaderboard(RECORDS, top=2))


def test_the_leaderboard_stops_at_top_but_sees_what_varies_among_all():
    text = render(render_leaderboard(RECORDS, top=1))
    assert len(text.splitlines()) == 3
    assert "blocks=3" in text
    assert text.splitlines()[-1] == f"and {len(ranked(RECORDS)) - 1} more: convtune trials STUDY"
    assert "more" not in render(render_leaderboard(RECORDS))


def test_without_scores_a_line_says_so():
    assert render(render_leaderboard([record(0, None, TrialState.FAILED)])) == "No trial has a score.\n"
    assert render(render_leaderboard([])) == "No trial has a score.\n"


def test_the_listing_keeps_the_order_and_tells_reasons():
    text = render(render_listing(RECORDS[::-1], RECORDS))
    lines = text.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["3", "2", "1", "0"]
    assert "(loss is [nan])" in lines[1]
    assert "pruned after" not in text  # the state and the epochs stand in columns
    assert "1,234,567" in lines[2]
    assert lines[1].split()[2] == "-"


def test_what_does_not_vary_is_not_render():
    same = [record(number, 0.5 + number / 10, params={"blocks": number, "optimizer": "adam"}) for number in range(3)]
    assert "optimizer" not in render(render_listing(same, same))
    assert "blocks=1" in render(render_listing(same, same))


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("make", [render_leaderboard, lambda records: render_listing(records, records)])
def test_it_fits_a_terminal_and_loses_nothing(width, make):
    text = render(make(RECORDS), width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    words = " ".join(text.split())
    assert words.count("filters=128,128,128,128,128") >= 2
    assert words.count("kernel=3,3,3,3,3") >= 2
    assert len(re.findall(r"lr=0\.\d+", words)) >= 3


def test_params_stand_beside_the_numbers_where_they_fit():
    small = [record(number, 0.5, params={"blocks": number}) for number in range(3)]
    assert len(render(render_listing(small, small), 80).splitlines()) == 4


def test_colours_only_on_a_terminal():
    assert "\x1b[" in render(render_listing(RECORDS, RECORDS), force_terminal=True, color_system="standard")
    assert "\x1b[" not in render(render_listing(RECORDS, RECORDS), force_terminal=False)


FRONT = mark_front(
    [
        record(0, 0.95, params={"blocks": 3}, macs=9_000_000, minimized=("macs",)),
        record(1, 0.90, params={"blocks": 4}, macs=9_500_000, minimized=("macs",)),
        record(2, 0.60, params={"blocks": 1}, macs=1_000_000, minimized=("macs",), costs={"latency_ms": 0.01234}),
        record(3, 0.99, TrialState.PRUNED, params={"blocks": 2}, macs=500_000, minimized=("macs",)),
    ]
)


def test_the_front_stands_first_and_is_marked():
    lines = render(render_leaderboard(FRONT)).splitlines()
    assert lines[0].split()[:5] == ["rank", "trial", "score", "front", "epochs"]
    cells = [line.split() for line in lines[1:5]]
    assert [row[1] for row in cells] == ["0", "2", "1", "3"]
    assert [row[3] == "yes" for row in cells] == [True, True, False, False]
    assert "0.0123" in lines[2]


def test_all_of_the_front_is_render():
    ranks = [str(rank) for rank in range(1, 5)]
    for top, listed in ((1, 2), (3, 3)):
        rows = [line.split()[0] for line in render(render_leaderboard(FRONT, top=top)).splitlines()]
        assert [row for row in rows if row in ranks] == ranks[:listed]


def test_the_listing_marks_the_front():
    lines = render(render_listing(FRONT[1:3], FRONT)).splitlines()
    assert [line.split()[3] == "yes" for line in lines[1:]] == [False, True]
    assert "front" not in render(render_listing(RECORDS, RECORDS))
    assert "latency_ms" not in render(render_leaderboard(RECORDS))


@pytest.mark.parametrize("make", [render_leaderboard, lambda records: render_listing(records, records)])
def test_costs_that_were_not_counted_are_a_dash(make):
    assert (
        render(make([replace(RECORDS[0], trial=replace(RECORDS[0].trial, costs={}))]))
        .splitlines()[1]
        .split()
        .count("-")
        == 2
    )


def test_infeasible_proposals():
    counts = {"macs over the limit": 4, "map vanishes": 8}
    told = "12 points of the space were passed over before training: 8 (map vanishes: "
    assert describe_infeasible(counts).startswith(told)
    assert describe_infeasible(counts).endswith("), 4 (macs over the limit)")
    assert describe_infeasible({"x": 1}) == "1 point of the space was passed over before training: 1 (x)"
    assert describe_infeasible({}) == ""


@pytest.mark.parametrize("make", [render_leaderboard, lambda records: render_listing(records, records)])
def test_a_line_says_what_the_score_is_unless_it_is_the_accuracy(make):
    losses = [record(number, 0.5 - number / 10, metric=METRICS["log_loss"]) for number in range(3)]
    lines = render(make(losses)).splitlines()
    assert lines[0] == "score: validation log loss (lower is better)"
    assert "score" in lines[1].split()
    assert "validation" not in render(make(RECORDS))


def test_the_leaderboard_begins_with_the_lowest_loss():
    losses = [record(number, 0.5 - number / 10, metric=METRICS["log_loss"]) for number in range(3)]
    assert [line.split()[1] for line in render(render_leaderboard(losses)).splitlines()[2:]] == ["2", "1", "0"]
