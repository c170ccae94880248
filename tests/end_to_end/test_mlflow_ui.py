"""A finished study as a person sees it: in MLflow's UI, which ``convtune ui`` serves, through a real browser."""

import csv
import json
import re
import shutil
import signal
import socket
from dataclasses import dataclass
from pathlib import Path

import pytest
from mlflow import MlflowClient

from pipeline.cli import main
from pipeline.executors import EXECUTORS
from pipeline.report.plots.captions import CAPTIONS
from pipeline.report.plots.draw import SEARCH
from pipeline.report.plots.evaluation import CONFUSION, WRONG
from tests.end_to_end.browser import Window, chromium, open_context
from tests.end_to_end.conftest import Shell
from tests.end_to_end.outcomes import CUT_OFF, SPACE, kind
from tests.report.made_up import HEADINGS

pytestmark = pytest.mark.slow

TUNE = "tune --data digits --space mine.yaml --search grid --epochs 4 --executor inline --study mine --trials"
ML = "workflowType=machine_learning"
PLOTS = [name for name in (*SEARCH, CONFUSION, WRONG) if name not in ("front_parameters.png", "front_latency.png")]
"""All but those of costs that the study does not minimise."""


@pytest.fixture(scope="module")
def finished(tmp_path_factory, empty_store) -> Path:
    """The folder of a study of 30 trials, complete, pruned, failed and interrupted, with infeasible proposals."""
    folder = tmp_path_factory.mktemp("finished")
    shutil.copy(empty_store, folder)
    (folder / "mine.yaml").write_text(SPACE)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setitem(EXECUTORS, "inline", kind(folder))
        assert main([*TUNE.split(), str(CUT_OFF + 1)]) == 130
        assert main([*TUNE.split(), str(CUT_OFF)]) == 0  # so the interrupted one stays as it is
    return folder


@dataclass(frozen=True)
class Server:
    """MLflow's UI: its address, and the pages that ``convtune ui`` has printed, by what they show."""

    address: str
    pages: dict[str, str]


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def server(browser, finished):
    """``convtune ui mine``, once it answers."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = Shell(finished).start("ui", "mine", "--port", str(port), "--no-open")
    address = f"http://127.0.0.1:{port}"
    try:
        lines = [process.stdout.readline().strip() for _ in range(7)]
        named = zip(lines[:6:2], lines[1::2], strict=True)
        pages = {what.removeprefix("mine, ").rstrip(":"): page for what, page in named}
        assert process.stdout.readline() == f"MLflow answers at {address} (only from this machine); Ctrl-C ends it.\n"
        yield Server(address, pages)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (0, "")
        assert err in ("", "preparing the pages in MLflow ...\n")
    finally:
        process.kill()


@pytest.fixture(scope="module")
def tab(browser):
    """A page that stays: MLflow's scripts have 10 MB, which take 2 s of the processor whenever they are loaded."""
    return Window(open_context(browser))


@pytest.fixture
def window(tab, server):
    """A page on which nothing is left of what the last test has opened; the test fails if something on it does."""
    tab.page.goto(f"{server.address}/#/settings/general")
    tab.page.get_by_role("heading", name="Theme preference").wait_for()
    tab.errors.clear()
    yield tab
    assert tab.errors == []


@pytest.fixture
def expect(browser):
    """Playwright's, which waits."""
    from playwright.sync_api import expect

    expect.set_options(timeout=30_000)
    return expect


@pytest.fixture(scope="module")
def rows(finished) -> list[dict[str, str]]:
    """The trials of the study, by ``trials.csv``, best first."""
    with (finished / "studies" / "mine" / "trials.csv").open() as table:
        rows = list(csv.DictReader(table))
    return sorted((row for row in rows if row["score"]), key=lambda row: -float(row["score"]))


ROW_AND_TEXT = "all => all.map(one => [+one.closest('.ag-row').getAttribute('row-index'), one.innerText.trim()])"


def cells(page, column):
    """What a column of the table of runs shows, from the top."""
    shown = page.locator(f".ag-cell[col-id='{column}']").evaluate_all(ROW_AND_TEXT)
    return [text for _, text in sorted(shown)]


def test_the_experiment_says_what_it_is(window, server, expect):
    page = window.page
    page.goto(f"{server.address}/#/experiments")
    page.reload()  # so that MLflow begins anew, as where somebody comes for the first time
    page.get_by_role("button", name="Model training").click()
    expect(page.get_by_text("Studies of convtune").first).to_be_visible()
    window.keep("experiments")
    page.get_by_role("link", name="convtune").first.click()
    expect(page.locator(".ag-row").first).to_be_visible()


def test_the_trials_are_sorted_by_score_with_the_columns_that_matter(window, server, expect, rows):
    page = window.page
    page.goto(server.pages["trials by score"])
    expect(page.get_by_text(re.compile(r"^30 matching runs"))).to_be_visible()
    expect(page.get_by_role("button", name="mine: trials by score")).to_be_visible()
    headers = page.locator(".ag-header-cell[col-id^=metrics], .ag-header-cell[col-id^=params]")
    expect(headers.first).to_be_visible()
    shown = headers.evaluate_all("all => all.map(one => [+one.getAttribute('aria-colindex'), one.innerText.trim()])")
    names = ["score", "epochs", "seconds", "parameters", "dropout", "filters", "kernel"]
    assert [name for _, name in sorted(shown)] == names
    scores = [float(text) for text in cells(page, "metrics.`score`") if text not in ("", "-")]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == pytest.approx(float(rows[0]["score"]), abs=1e-6)
    window.keep("trials")
    best = re.compile(rf"#({rows[0]['trial']}|{rows[1]['trial']}) plain {float(rows[0]['score']):.4g}")
    expect(page.locator(".ag-row[row-index='0']").first).to_contain_text(best)


def test_the_charts_are_those_of_the_study(window, server, expect):
    page = window.page
    page.goto(server.pages["charts"])
    for title in ("Hyperparameters and score", "Training and size", "Parallel Coordinates", "val_accuracy"):
        expect(page.get_by_text(title).first).to_be_visible()
    expect(page.locator(".parcoords").first).to_be_visible()
    axes = page.locator(".parcoords .dimension .label")
    expect(axes.last).to_have_text("score")
    assert set(axes.all_text_contents()) == {"dropout", "filters", "kernel", "score"}
    expect(page.locator(".js-plotly-plot .scatterlayer .trace").first).to_be_attached()
    window.keep("charts")


def test_the_view_is_in_the_menu_of_views_too(window, server, expect):
    page = window.page
    page.goto(f"{server.address}/#/experiments/1/runs?{ML}")
    page.get_by_role("button", name="Views").click()
    page.get_by_text("mine: trials by score").click()
    expect(page.get_by_text(re.compile(r"^30 matching runs"))).to_be_visible()


def test_the_trials_are_nested_below_their_study(window, server, expect):
    page = window.page
    page.goto(f"{server.address}/#/experiments/1/runs?{ML}")
    study = page.locator(".ag-row", has=page.get_by_role("link", name="mine", exact=True)).first
    expect(study).to_be_visible()
    study.get_by_role("button").first.click()
    for name in ("#29 plain interrupted", "#24 plain pruned", "#23 plain 0.5019", "#13 plain failed"):
        expect(page.get_by_role("link", name=name)).to_be_visible()
    window.keep("nested")


def test_five_trials_are_compared(window, server, expect):
    page = window.page
    page.goto(server.pages["trials by score"])
    for row in range(5):
        page.locator(f".ag-row[row-index='{row}'] input.ag-checkbox-input").first.check()
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.get_by_text("Comparing 5 Runs from 1 Experiment")).to_be_visible()
    expect(page.locator(".axis-title").last).to_have_text("score")
    window.keep("compare_parallel")
    page.get_by_role("tab", name="Scatter Plot").click()
    page.get_by_role("combobox", name="Y-axis:").click()
    page.get_by_role("option", name="score", exact=True).click()
    expect(page.locator(".ytitle").first).to_have_text("score")
    expect(page.locator(".gl-canvas").first).to_be_attached()
    window.keep("compare_scatter")


def test_the_study_describes_itself(window, server, expect, rows):
    page = window.page
    page.goto(server.pages["the study"])
    expect(page.get_by_text("The best of 30 trials is")).to_be_visible()
    page.get_by_text("Show more").click()
    expect(page.get_by_text("looked at once")).to_be_visible()
    expect(page.get_by_text("5 points of the space were passed over before training")).to_be_visible()
    expect(page.get_by_text("convtune export mine")).to_be_visible()
    window.keep("study")
    page.get_by_role("tab", name="Artifacts").click()
    page.get_by_text("leaderboard.json").click()
    expect(page.get_by_role("cell", name=f"{float(rows[0]['score']):.6g}").first).to_be_visible()
    expect(page.get_by_text("plots", exact=True)).to_be_visible()
    window.keep("leaderboard")


def test_the_best_model_has_its_scores_its_dataset_signature_and_input_example(window, server, expect):
    page = window.page
    page.goto(f"{server.address}/#/experiments/1/models?{ML}")
    page.get_by_role("link", name=re.compile(r"mine-trial-\d+")).first.click()
    expect(page.get_by_text("test_accuracy").first).to_be_visible()
    expect(page.get_by_text(re.compile(r"^digits")).first).to_be_visible()
    window.keep("model")
    page.get_by_text("Artifacts", exact=True).click()
    page.get_by_text("MLmodel", exact=True).click()
    expect(page.get_by_text("saved_input_example_info:")).to_be_visible()
    expect(page.get_by_text('"dtype": "uint8", "shape": [-1, -1,')).to_be_visible()
    page.get_by_label("input_example.json", exact=True).click()
    expect(page.get_by_text("Path: ").filter(has_text="input_example.json")).to_be_visible()
    expect(page.get_by_text("255").first).to_be_visible()
    window.keep("input_example")


def test_the_registered_model_has_its_champion(window, server, expect):
    page = window.page
    page.goto(f"{server.address}/#/models/convtune-digits?{ML}")
    expect(page.get_by_text("@ champion")).to_be_visible()
    page.get_by_role("link", name="Version 1").click()
    expect(page.get_by_text("of the study mine on digits: validation accuracy")).to_be_visible()
    expect(page.get_by_text("the first champion")).to_be_visible()
    page.get_by_text("Inputs (1)").click()
    expect(page.get_by_text("Tensor (dtype: uint8, shape: [-1,-1,-1,1])")).to_be_visible()
    page.get_by_text("Outputs (10)").click()
    expect(page.get_by_text("9 (required)")).to_be_visible()
    window.keep("registered_model")


def test_a_server_that_runs_already_needs_no_other(server, finished, monkeypatch, capsys):
    """``convtune ui`` with the server's address: the same pages, and it ends at once."""
    monkeypatch.chdir(finished)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.address)
    assert main(["ui", "mine"]) == 0
    assert capsys.readouterr().out.splitlines()[1].strip() == server.pages["trials by score"]


def test_all_plots_of_the_study_are_artifacts_of_its_run(finished):
    run = json.loads((finished / "studies" / "mine" / "study.json").read_text())["run"]
    plots = MlflowClient(f"sqlite:///{finished}/mlflow.db").list_artifacts(run, "plots")
    assert sorted(file.path for file in plots) == sorted(f"plots/{name}" for name in PLOTS)


@dataclass(frozen=True)
class Shown:
    """A page of ours, opened without a network: its headings, the heading and caption of each figure, and the rest.

    ``widths`` are those of its images, in pixels; 0 is one that cannot be shown. ``asked`` are the addresses in a
    network that it asked for.
    """

    title: str
    headings: list[str]
    figures: list[tuple[str, ...]]
    widths: list[int]
    errors: list[str]
    asked: list[str]


FIGURES = "all => all.map(one => ['h3', 'figcaption'].map(name => one.querySelector(name)?.innerText ?? ''))"


@pytest.fixture(scope="module")
def open_from_disk(browser, finished):
    """Opens a page of the finished study from its file."""

    def show(name):
        context = open_context(browser, offline=True)
        window, asked = Window(context), []
        page, file = window.page, finished / "studies" / "mine" / name
        page.on("request", lambda request: asked.append(request.url))
        page.goto(file.as_uri())
        page.wait_for_load_state("networkidle")
        window.keep(f"{file.parent.name}_{file.stem}")
        shown = Shown(
            page.inner_text("h1"),
            page.locator("h2").all_inner_texts(),
            [tuple(texts) for texts in page.locator("figure").evaluate_all(FIGURES)],
            page.locator("img").evaluate_all("all => all.map(one => one.naturalWidth)"),
            window.errors,
            [url for url in asked if not url.startswith(("file:", "data:", "blob:"))],
        )
        context.close()
        return shown

    return show


def test_the_report_opens_from_disk_and_shows_everything(open_from_disk):
    page = open_from_disk("report.html")
    assert page.title == "Study mine"
    assert page.headings == HEADINGS
    assert page.figures[: len(PLOTS)] == [tuple(CAPTIONS[name]) for name in PLOTS]
    seen = page.figures[len(PLOTS) :]
    assert seen[0][0] == "First filters"
    assert len(seen) > 3
    assert all(all(texts) for texts in seen)
    assert len(page.widths) == len(page.figures)
    assert all(page.widths)
    assert (page.errors, page.asked) == ([], [])


def test_the_explanation_opens_from_disk_with_its_images(open_from_disk):
    page = open_from_disk("explain/index.html")
    assert page.title == "What best.keras sees"
    assert len(page.widths) > 3
    assert all(page.widths)
    assert (page.errors, page.asked) == ([], [])
