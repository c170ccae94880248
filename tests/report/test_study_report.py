"""The report of a study: one page, from the study's folder alone."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from pipeline.errors import StudyError
from pipeline.report.answer import describe_best, describe_search
from pipeline.report.evaluated_model import WrongImage, read_evaluated_model
from pipeline.report.findings import Findings, read_findings
from pipeline.report.page_tables import all_trials, confusions, leaderboard
from pipeline.report.plots.figure import png
from pipeline.report.plots.wrong import draw_wrong
from pipeline.report.study_markdown import describe_study
from pipeline.report.study_report import write_report
from pipeline.report.study_trials import StudyTrials, read_trials
from pipeline.study.lock import locked
from pipeline.study.objective import Objective
from pipeline.study.trial import TrialState
from tests.report.made_up import HEADINGS, TESTED, evaluated, record, study

SCRIPT = "<script>alert(1)</script>"
PRUNED, FAILED, INTERRUPTED = TrialState.PRUNED, TrialState.FAILED, TrialState.INTERRUPTED


def trial(number, score, state=TrialState.COMPLETE, note="b", **more):
    return record(number, score, state, params={"blocks": number, "note": note}, drawn=("blocks",), **more)


RECORDS = [
    trial(0, 0.9, note=SCRIPT, model="m", began=0.0, slot=0),
    trial(1, 0.5, PRUNED, reason="pruned after epoch 3"),
    trial(2, None, FAILED, reason="OOM: <no> memory & time"),
    trial(3, 0.6, INTERRUPTED, reason="time was up after epoch 1"),
]


class Outline(HTMLParser):
    """The text, the tags that are open at the end, and where images and links lead."""

    def __init__(self, page):
        super().__init__()
        self.text, self.open, self.targets, self.tags = "", [], [], set()
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.targets += [value for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "link", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A study with trials of all kinds, a tested best model and an explanation."""
    paths = evaluated(study(tmp_path_factory.mktemp("report") / "pets", RECORDS, ("macs over the limit",)))
    paths.explanation.mkdir()
    for name in (
        "10-validation-x.png",
        "2-validation-y.png",
        "2-validation-y-maps.png",
        "3-road-maps.png",
        "filters.png",
        "notes.png",
    ):
        Image.new("RGB", (8, 8)).save(paths.explanation / name)
    return paths


@pytest.fixture(scope="module")
def page(finished):
    write_report(read_trials(str(finished.path)), finished.report)
    return finished.report.read_text(encoding="utf-8")


def test_the_page_is_well_formed_and_needs_nothing_else(page):
    outline = Outline(page)
    assert outline.open == []
    assert all(target.startswith(("data:", "#")) for target in outline.targets)
    assert "script" not in outline.tags
    assert "b" not in outline.tags  # the class <b>cat</b>


def test_the_page_says_everything(page):
    text = Outline(page).text
    for part in (
        "The best of 4 trials is #0: validation accuracy 0.9000 (95 % interval 0.5958 to 0.9821), test accuracy 0.8000",
        "pets: 60 images 8x8x3",
        "Of 4 trials, 1 complete, 1 pruned, 1 failed, 1 interrupted;",
        "1 point of the space was passed over before training: 1 (macs over the limit)",
        "0.4902 to 0.9433",
        f"note={SCRIPT}",
        "OOM: <no> memory & time",
        "<b>cat</b>",
        "convtune export",
        "python 3.11.7, keras 3.15.1",
        "pets, version 3",
        "data: digits",
    ):
        assert part in text, part


def test_hundreds_of_classes_and_markup_in_every_name(tmp_path):
    names, image = [f"class {n} {SCRIPT}" for n in range(300)], f"test/{SCRIPT}.png"
    confusion = np.diag(np.full(300, 4)) + np.eye(300, k=1, dtype=int)
    wrong = [{"file": image, "true": names[n], "predicted": names[n + 1], "probability": 0.9} for n in range(24)]
    paths = study(tmp_path / "<script>x", RECORDS)
    paths.job.write_text(f"data: {SCRIPT}\nspace: '{SCRIPT}'\n")
    paths.plots.mkdir()
    sheet = draw_wrong([WrongImage(**one) for one in wrong], [np.zeros((8, 8, 3), np.uint8)] * 24)
    (paths.plots / "wrong.png").write_bytes(png(sheet))
    tested = TESTED | {"classes": names, "confusion": confusion.tolist(), "wrong": wrong, "data": SCRIPT}
    paths.evaluation.write_text(json.dumps(tested))
    trials = read_trials(str(paths.path))
    write_report(trials, paths.report, {})
    html = paths.report.read_text()
    outline = Outline(html)
    assert (outline.open, "script" in outline.tags) == ([], False)
    assert outline.text.count(names[0]) == 1  # in the table of the ten most frequent confusions
    assert names[250] not in outline.text
    assert len(html) < 1_000_000
    told = describe_study(read_findings(trials))
    assert "<script>" not in re.sub(r"^ {4}.*$", "", told, flags=re.MULTILINE)  # what is indented is code
    assert r"\<script\>alert(1)" in told


def test_headings_come_in_the_order_of_interest(page):
    found = re.findall(r"<h2[^>]*>([^<]+)", page)
    assert found == HEADINGS


def test_plots_of_the_explanation_without_the_activation_maps_in_their_order(page):
    assert re.findall(r"<h3>((?:First|Image)[^<]*)", page) == ["First filters", "Image 2", "Image 3", "Image 10"]


def test_many_plots_of_an_explanation_do_not_all_fit(finished, tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.report.study_report._MOST_EXPLAINED", 100)
    write_report(read_trials(str(finished.path)), tmp_path / "r.html", {})
    text = Outline((tmp_path / "r.html").read_text()).text
    assert "Activation maps, and 3 more images, are in" in text


def test_a_study_whose_best_model_is_not_tested_yet(tmp_path):
    paths = study(tmp_path / "s", RECORDS)
    write_report(read_trials(str(paths.path)), paths.report, {})
    text = Outline(paths.report.read_text()).text
    assert "It has not been tested yet." in text
    assert "The best model on the test images" not in text
    evaluated(paths)
    better = study(tmp_path / "t", [*RECORDS, record(4, 0.95, model="m")])
    evaluated(better)  # its test.json is of trial 0
    write_report(read_trials(str(better.path)), better.report, {})
    assert "It has not been tested yet." in better.report.read_text()


def test_a_running_study_says_so_and_its_trials_run(tmp_path):
    paths = study(tmp_path / "s", [*RECORDS, record(4, None, TrialState.RUNNING)])
    with locked(paths):
        trials = read_trials(str(paths.path))
    assert trials.running
    assert trials.records[4].state is TrialState.RUNNING
    write_report(trials, paths.report, {})
    assert "Still running: 4 trials so far." in paths.report.read_text()


def test_a_trial_of_a_killed_process_is_interrupted(tmp_path):
    trials = read_trials(str(study(tmp_path / "s", [*RECORDS, record(4, None, TrialState.RUNNING)]).path))
    assert not trials.running
    assert (trials.records[4].state, trials.records[4].result.reason) == (TrialState.INTERRUPTED, "its process ended")


@pytest.mark.parametrize("records", [[], [RECORDS[2]]])
def test_without_a_score_there_is_no_report(tmp_path, records):
    paths = study(tmp_path / "s", records)
    with pytest.raises(StudyError, match="no trial has ended with a score"):
        read_trials(str(paths.path))


def test_a_study_without_a_model(tmp_path):
    paths = study(tmp_path / "s", RECORDS[1:])
    trials = read_trials(str(paths.path))
    found = Findings(trials, {})
    assert (found.scores, describe_best(found)) == ([], "No trial has left a model.")
    assert "convtune export" not in str(found.next)
    write_report(trials, paths.report, {})


def test_the_front_of_a_study_with_costs_is_listed_whole(tmp_path):
    records = [record(n, 0.5 + n / 100, macs=n + 1, minimized=("macs",), model="m") for n in range(14)]
    paths = study(tmp_path / "s", records, objective=Objective(minimized=("macs",)))
    trials = read_trials(str(paths.path))
    assert "On the Pareto front of score and macs: 14 trials." in describe_search(Findings(trials, {}))
    assert len(leaderboard(trials.records, "s").rows) == 14
    assert "front" in all_trials(trials.records).headings


def test_long_tables_are_cut_and_say_so():
    records = [record(n, 0.5) for n in range(1200)]
    assert leaderboard(records, "s").note == "and 1,190 more: convtune trials s"
    assert (len(all_trials(records).rows), all_trials(records).note) == (1000, "and 200 more in trials.csv")


def test_the_most_frequent_confusions(finished):
    table = confusions(read_evaluated_model(finished))
    assert [list(row) for row in table.rows] == [["<b>cat</b>", "dog", "2", "28.6%"]]
    assert confusions(None).rows == []


def test_counts_of_one(tmp_path):
    trials = StudyTrials(study(tmp_path / "s", RECORDS[:1]), [record(0, 0.9, planned=1)])
    assert "Of 1 trial, 1 complete; each of at most 1 epoch," in describe_search(Findings(trials, {"space": "quick"}))
