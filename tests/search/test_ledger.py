import json

import optuna
import pytest

from pipeline.errors import StudyError
from pipeline.search.ledger import Ledger, read
from pipeline.trial import Outcome, Report, State
from tests.search_helpers import begin, ledger
from tests.spaces import CONTINUOUS, space


@pytest.fixture
def wide(tmp_path):
    return space(tmp_path, CONTINUOUS)


def test_every_state_is_on_disk_as_told(tmp_path, wide):
    book = ledger(tmp_path, wide)
    outcomes = [
        Outcome(0, State.COMPLETE, 0.9, 4, 12.5, device="cpu", model="m.keras"),
        Outcome(1, State.PRUNED, 0.4, 2, 3.0, "pruned after epoch 2"),
        Outcome(2, State.FAILED, None, 0, 1.0, "loss is nan in epoch 1"),
    ]
    for outcome in outcomes:
        trial, _ = begin(book, wide)
        assert trial.number == outcome.number
        book.tell(outcome)
    begin(book, wide)
    records, _ = read(tmp_path / "optuna.db")
    assert [record.outcome for record in records[:3]] == outcomes
    assert records[3].state is State.RUNNING
    assert records == book.records


def test_what_was_running_when_the_process_died_is_repeated_under_its_number(tmp_path, wide):
    first = ledger(tmp_path, wide)
    trial, candidate = begin(first, wide)
    first.report(Report(trial.number, 1, {"val_accuracy": 0.3}, 1.0))
    again = ledger(tmp_path, wide)
    assert again.queued == 1
    assert again.begun == 0
    repeated, same = begin(again, wide)
    assert (repeated.number, repeated.values, repeated.seed) == (trial.number, trial.values, trial.seed)
    assert same.key == candidate.key
    again.tell(Outcome(repeated.number, State.COMPLETE, 0.8))
    assert [record.state for record in ledger(tmp_path, wide).records] == [State.COMPLETE]


def test_an_interrupted_trial_is_told_and_repeated(tmp_path, wide):
    book = ledger(tmp_path, wide)
    trial, _ = begin(book, wide)
    book.tell(Outcome(trial.number, State.INTERRUPTED, reason="interrupted"))
    assert read(tmp_path / "optuna.db")[0][0].state is State.INTERRUPTED
    again, _ = begin(ledger(tmp_path, wide), wide)
    assert again == trial


def test_a_trial_whose_outcome_was_noted_is_not_trained_again(tmp_path, wide, monkeypatch):
    book = ledger(tmp_path, wide)
    begin(book, wide)
    monkeypatch.setattr(book, "_close", lambda number, outcome: None)  # the process dies before Optuna is told
    book.tell(Outcome(0, State.COMPLETE, 0.75, 4))
    again = ledger(tmp_path, wide)
    assert again.queued == 0
    assert again.begun == 1
    study = optuna.load_study(study_name=None, storage=f"sqlite:///{tmp_path / 'optuna.db'}")
    assert [(trial.state.name, trial.value) for trial in study.get_trials()] == [("COMPLETE", 0.75)]


def test_a_hand_picked_point_is_not_lost_when_the_process_dies_before_it_is_accepted(tmp_path, wide):
    book = ledger(tmp_path, wide)
    point = wide.complete({"blocks": 2, "filters": [4, 16]})
    book.enqueue(point)
    assert book.ask(None).values == point
    again = ledger(tmp_path, wide)
    assert again.queued == 1
    assert again.ask(None).values == point


def test_a_known_candidate_is_known_after_a_restart_unless_it_was_interrupted(tmp_path, wide):
    book = ledger(tmp_path, wide)
    _, done = begin(book, wide)
    book.tell(Outcome(0, State.COMPLETE, 0.7))
    _, cut = begin(book, wide)
    again = ledger(tmp_path, wide)
    assert again.known(done) == 0
    assert again.known(cut) is None


def test_optuna_sees_the_values_that_were_reported(tmp_path, wide):
    book = ledger(tmp_path, wide)
    begin(book, wide)
    for epoch, value in enumerate([0.3, 0.6], start=1):
        book.report(Report(0, epoch, {"val_accuracy": value}, 1.0))
    book.tell(Outcome(0, State.COMPLETE, 0.6, 2))
    study = optuna.load_study(study_name=None, storage=f"sqlite:///{tmp_path / 'optuna.db'}")
    [trial] = study.get_trials()
    assert trial.value == 0.6
    assert trial.intermediate_values == {1: 0.3, 2: 0.6}
    assert trial.constraints == {"possible": 0.0, "trained": 0.0}


def test_the_pruner_is_asked(tmp_path, wide):
    book = ledger(tmp_path, wide, pruner="median", epochs=5)
    for _ in range(6):
        trial, _ = begin(book, wide)
        for epoch in range(1, 6):
            assert not book.report(Report(trial.number, epoch, {"val_accuracy": 0.9}, 1.0))
        book.tell(Outcome(trial.number, State.COMPLETE, 0.9))
    trial, _ = begin(book, wide)
    answers = [book.report(Report(trial.number, epoch, {"val_accuracy": 0.1}, 1.0)) for epoch in (1, 2)]
    assert answers == [False, True]


def test_a_file_that_is_no_database_is_an_error_of_one_line(tmp_path, wide):
    (tmp_path / "optuna.db").write_text("this is no database, but it is long enough to look like one" * 20)
    with pytest.raises(StudyError, match=r"optuna\.db") as error:
        Ledger(tmp_path / "optuna.db", wide, "none", 4)
    assert "\n" not in str(error.value)


def test_attributes_are_plain_json(tmp_path, wide):
    book = ledger(tmp_path, wide)
    begin(book, wide)
    book.tell(Outcome(0, State.COMPLETE, 0.6, 2))
    study = optuna.load_study(study_name=None, storage=f"sqlite:///{tmp_path / 'optuna.db'}")
    attributes = study.get_trials()[0].user_attrs
    assert json.loads(json.dumps(attributes)) == attributes
