import math
from pathlib import Path

import pytest

from bench.contenders.records import read_runs
from bench.contenders.report import CONTENDERS, Band, Results, mean_curve, reaches, value_at

ROOT = Path(__file__).resolve().parents[2]
CURVES = [[(10, 0.3), (20, 0.5)], [(5, 0.4)]]


def run(contender, seed, seconds, curve, test, **more):
    return {"contender": contender, "seed": seed, "seconds": seconds, "curve": curve, "test": test} | {
        "search_seconds": seconds + 1,
        "trials": 3,
        "epochs": 20,
        "machine": "2 cores",
        "commit": "abc",
        "sgemm_gflops": 80 + seed,
        "load": 0.5,
        **more,
    }


@pytest.fixture
def results():
    return Results(
        [
            run("optuna", 0, 600, [(50, 0.40), (580, 0.60)], 0.58, test_half=0.39),
            run("optuna", 1, 600, [(70, 0.50)], 0.50, test_half=0.47),
            run("kt-random", 0, 600, [(90, 0.50)], 0.49, test_half=None),
            run("convtune-same", 0, 600, [(100, 0.55), (200, 0.65)], 0.64),
            run("convtune-same", 0, 300, [(80, 0.57)], 0.56),
        ]
    )


def test_a_curve_is_a_step_function_that_begins_at_nothing():
    assert [value_at(CURVES[0], seconds) for seconds in (9, 10, 19, 20, 999)] == [0, 0.3, 0.3, 0.5, 0.5]


def test_the_mean_of_curves_has_a_band():
    bands = mean_curve(CURVES, [7, 25])
    assert bands[0] == Band(pytest.approx(0.2), 0, 0.4)
    assert bands[1] == Band(pytest.approx(0.45), 0.4, 0.5)


def test_the_mean_reaches_a_target_at_an_improvement():
    assert [reaches(CURVES, target) for target in (0.2, 0.35, 0.45, 0.46)] == [5, 10, 20, math.inf]


def test_the_target_is_the_best_peers_mean_and_not_ours(results):
    assert results.target() == ("optuna", pytest.approx(0.55))


def test_half_time_is_a_run_of_its_own_where_there_is_one(results):
    assert results.validation("convtune-same", 300).mean == 0.57
    assert results.test("convtune-same", 300).mean == 0.56
    assert results.validation("optuna", 300).mean == pytest.approx(0.45)
    assert results.test("optuna", 300) == Band(pytest.approx(0.43), 0.39, 0.47)
    assert math.isnan(results.test("kt-random", 300).mean)


def test_the_table_has_a_row_per_contender(results):
    caption, _, head, _, *rows, _, circumstances = results.table().splitlines()
    assert "optuna, ends at 0.550 on" in caption
    assert head.startswith(
        "| contender | validation, 300 s | validation, 600 s | test, 300 s | test, 600 s | reached |"
    )
    assert [row.split(" | ")[0] for row in rows] == ["| kt-random", "| optuna", "| convtune-same"]
    assert rows[2].endswith(" | 100 s | 601 s | 3 | 20 | 1 |")
    assert " | never | " in rows[0]
    assert circumstances == "2 cores. Commits abc. Before each run: sgemm 80 (80 to 81) GFLOP/s, load 0.5"


def test_the_summary_is_short(results):
    head, _, *rows = results.summary().splitlines()
    assert head == "| | test after 5 min | test after 10 min | reaches a validation accuracy of 0.550 after |"
    assert rows[2] == "| convtune, the same space | 0.560 | 0.640 | 100 s |"


def test_the_readme_has_the_summary_of_the_recorded_runs():
    recorded = Results(read_runs(ROOT / "bench" / "results" / "peers.json"))
    assert recorded.names == list(CONTENDERS)
    assert recorded.summary() in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_plot_is_a_small_png(results, tmp_path):
    results.plot(tmp_path / "images" / "peers.png")
    content = (tmp_path / "images" / "peers.png").read_bytes()
    assert content.startswith(b"\x89PNG")
    assert len(content) < 300_000
