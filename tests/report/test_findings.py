"""The facts about a study, and the command that goes on with it."""

from pathlib import Path

import pytest

from pipeline.metrics import METRICS
from pipeline.report.findings import Findings, read_findings
from pipeline.report.next_commands import resume_command
from pipeline.report.study_markdown import describe_study, describe_unfinished
from pipeline.report.study_trials import StudyTrials, read_trials
from pipeline.report.top_trials import as_columns
from pipeline.search.stop_reason import StopReason
from pipeline.study.paths import StudyPaths
from pipeline.study.trial import Fault, TrialState
from tests.report.made_up import evaluated, evaluated_model, record, study

MINE = StudyPaths(Path("studies/mine"))
INTERRUPTED, PRUNED, FAILED = TrialState.INTERRUPTED, TrialState.PRUNED, TrialState.FAILED
MODELS = [record(number, score, model="m") for number, score in enumerate((0.5, 0.9, 0.7, 0.6))]


def findings(records=MODELS, job=None, evaluated=None, **trials):
    return Findings(StudyTrials(MINE, records, **trials), job or {}, evaluated)


@pytest.mark.parametrize(
    ("records", "tied"),
    [
        ([], []),
        (MODELS, []),
        ([*MODELS, record(4, 0.9, model="m")], [4]),
        ([*MODELS, record(4, 0.9, model="m", macs=1), record(5, 0.9, INTERRUPTED, model="m")], [1, 5]),
        ([*MODELS, record(4, 0.9, PRUNED), record(5, 0.9, FAILED)], []),
    ],
)
def test_trials_as_good_as_the_best(records, tied):
    assert findings(records).tied == tied


def test_the_states_are_counted_in_their_order():
    records = [record(0, 0.5, PRUNED), record(1), record(2, 0.5, PRUNED)]
    assert list(findings(records).states.items()) == [(TrialState.COMPLETE, 1), (PRUNED, 2)]


def test_each_score_has_its_images_and_its_interval():
    found = findings([record(0, 0.9, model="m")], evaluated=evaluated_model())
    assert [str(score) for score in found.scores] == [
        "validation accuracy 0.9000 (95 % interval 0.5958 to 0.9821)",
        "test accuracy 0.8000 (95 % interval 0.4902 to 0.9433)",
        "test log loss 0.5000",
    ]
    assert [score.n for score in found.scores] == [10, 10, 10]


@pytest.mark.parametrize(
    ("metric", "score", "said"),
    [
        ("accuracy", 0.9, "validation accuracy 0.9000"),
        ("log_loss", 0.25, "validation log loss 0.2500"),
    ],
)
def test_before_the_test_there_is_the_validation_score_alone(metric, score, said):
    found = findings([record(0, score, metric=METRICS[metric], model="m")])
    assert (found.test, [str(score) for score in found.scores]) == (None, [said])


def test_a_score_that_is_not_defined_says_so_and_is_in_no_table():
    found = findings([record(0, 0.9, metric=METRICS["roc_auc"], model="m")], evaluated=evaluated_model())
    assert str(found.test) == "test ROC AUC not defined"
    assert "ROC AUC" not in [score.metric.label for score in found.scores if score.split == "test"]


def go_on(job, reason=None, records=MODELS):
    return dict(findings(records, job, reason=reason).next).get("Go on")


@pytest.mark.parametrize(
    ("job", "flags"),
    [
        ({}, ""),
        ({"time": "25s"}, " --time 25s"),
        ({"trials": 30, "time": "25s"}, " --time 25s"),
        ({"trials": 4}, " --trials 8"),
        ({"trials": 2, "time": "10m"}, " --trials 8 --time 10m"),
        ({"stop_at": 0.95}, ""),
        ({"stop_at": 0.9}, " --stop-at 1"),
        ({"stop_at": 0.8, "trials": 4}, " --trials 8 --stop-at 1"),
        ({"patience": 3}, ""),
        ({"patience": 2, "time": "1h"}, " --patience 4 --time 1h"),
        ({"trials": "many"}, ""),
    ],
)
def test_the_command_that_goes_on_raises_the_bounds_that_were_reached(job, flags):
    assert go_on(job) == f"convtune tune --study mine{flags}"


@pytest.mark.parametrize(
    ("seconds", "time", "named"),
    [(20.0, "1s", "40s"), (20.4, "20s", "42s"), (90.0, "1m", "3m"), (20.0, "20s", "20s"), (20.0, "soon", "soon")],
)
@pytest.mark.parametrize("reason", [StopReason.NO_TIME, StopReason.TIME_UP])
def test_a_time_that_no_trial_fits_into_is_not_named_again(seconds, time, named, reason):
    """An interrupted trial would be postponed each time."""
    records = [record(0, 0.5, seconds=seconds), record(1, 0.2, INTERRUPTED, seconds=0.5)]
    assert go_on({"time": time}, reason, records) == f"convtune tune --study mine --time {named}"


def test_a_time_is_named_again_where_it_did_not_end_the_search():
    assert go_on({"time": "1s"}, StopReason.NO_BETTER, [record(0, seconds=20.0)]).endswith("--time 1s")
    assert go_on({"time": "1s"}, StopReason.NO_TIME, [record(0, None, INTERRUPTED, seconds=20.0)]).endswith("--time 1s")


def test_a_loss_stops_at_its_lowest_value():
    losses = [record(0, 0.2, metric=METRICS["log_loss"], model="m")]
    assert go_on({"stop_at": 0.3}, records=losses) == "convtune tune --study mine --stop-at 0"


def test_an_interrupted_trial_is_repeated_and_does_not_count():
    assert go_on({"trials": 5}, records=[*MODELS, record(4, 0.2, INTERRUPTED)]) == "convtune tune --study mine"


@pytest.mark.parametrize("reason", StopReason)
def test_only_a_search_with_something_left_goes_on(reason):
    nothing_left = reason in (StopReason.SPACE_COVERED, StopReason.NOTHING_NEW)
    assert (go_on({"trials": 30}, reason) is None) == nothing_left


def test_a_perfect_score_cannot_be_beaten():
    assert go_on({"stop_at": 0.95}, records=[record(0, 1.0, model="m")]) is None


def test_the_next_commands_depend_on_what_there_is():
    named = [[command for _, command in found.next] for found in (findings([]), findings(running=True))]
    assert named == [["convtune tune --study mine"], ["convtune report mine"]]
    assert [name for name, _ in findings().next] == [
        "Compare all trials in MLflow",
        "Take the best model with you",
        "Go on",
    ]


def test_what_the_machine_has_failed_can_be_repeated():
    failed = [record(number, None, TrialState.FAILED, fault=fault) for number, fault in enumerate(Fault)]
    retry = ("Repeat after machine faults", "convtune tune --study mine --retry-failed")
    assert retry in findings(failed).next
    assert retry not in findings([one for one in failed if one.result.fault is not Fault.MACHINE]).next


def test_a_study_elsewhere_is_quoted():
    assert resume_command(StudyPaths(Path("my studies/a")), {"time": 90}) == (
        "convtune tune --study 'my studies/a' --time 90"
    )


def test_a_stored_study_knows_why_its_search_ended_and_which_model_was_tested(tmp_path):
    paths = evaluated(study(tmp_path / "s", MODELS, reason=StopReason.SPACE_COVERED), trial=1)
    found = read_findings(read_trials(str(paths.path)))
    assert (found.trials.reason, found.job, found.evaluated.n) == (
        StopReason.SPACE_COVERED,
        {"data": "digits", "space": "quick", "study": "s"},
        10,
    )
    evaluated(paths, trial=2)
    assert read_findings(found.trials).evaluated is None


def test_markdown():
    params = {"filters_1": 8, "note": "*new*"}
    records = [
        record(0, 0.9, params=params, model="m", seconds=12.5),
        record(1, 0.9, macs=2_200_000, params=params, model="m", epochs=1),
        record(2, 0.5, PRUNED, params=params | {"note": "b"}),
    ]
    found = findings(records, {"space": "my_space", "time": "10m"}, evaluated_model(), reason=StopReason.TIME_UP)
    assert describe_study(found) == (
        "The best of 3 trials is \\#0: validation accuracy 0.9000 (95 % interval 0.5958 to 0.9821), "
        "test accuracy 0.8000 (95 % interval 0.4902 to 0.9433). As good on the validation images: trial 1. "
        "Its network: 12.3 k parameters, 2.1 M MACs, note=\\*new\\*.\n\n"
        "It was chosen by its validation score, which is therefore likely to be a little too good; "
        "the 10 test images took no part in the search and were looked at once.\n\n"
        "1. **0.9000** #0, 12.3 k parameters, 2.1 M MACs, 3 epochs in 12 s\n"
        "2. **0.9000** #1, 12.3 k parameters, 2.2 M MACs, 1 epoch in 1 s\n"
        "3. **0.5000** #2 (pruned), 12.3 k parameters, 2.1 M MACs, 3 epochs in 1 s\n\n"
        "The space my\\_space was searched on pets: 60 images 8x8x3, 2 classes: 40 train / 10 validation / 10 test. "
        "Of 3 trials, 2 complete, 1 pruned; each of at most 3 epochs, 0:15 of training in all. "
        "They are scored by validation accuracy (higher is better). The search ended: the time is up.\n\n"
        "Compare all trials in MLflow:\n\n    convtune ui mine\n\n"
        "Take the best model with you:\n\n    convtune export mine\n\n"
        "Go on:\n\n    convtune tune --study mine --time 10m"
    )


def test_markdown_without_a_trial():
    assert describe_study(findings([])).splitlines()[0] == "No trial has left a model."
    assert describe_unfinished(MINE, {"time": "25s"}).endswith("    convtune tune --study mine --time 25s")


def test_the_leaderboard_as_plain_columns():
    records = [
        record(0, 0.5 + 1e-8, params={"blocks": 1, "filters_1": 8, "epochs": 3}, model="m"),
        record(1, 0.9, PRUNED, params={"blocks": 1, "filters_1": 16, "filters_2": 8, "epochs": 4}, reason="poor"),
        record(2, None, FAILED, params={"blocks": 1, "filters_1": 8, "epochs": 3}),
    ]
    assert as_columns(records) == {
        "columns": [
            *("rank", "trial", "score", "epochs", "parameters", "macs", "seconds", "state"),
            *("filters_1", "filters_2", "hyperparameter.epochs"),
        ],
        "data": [
            [1, 0, 0.5, 3, 12_345, 2_100_000, 1.25, "complete", 8, None, 3],
            [2, 1, 0.9, 3, 12_345, 2_100_000, 1.25, "pruned", 16, 8, 4],
        ],
    }
