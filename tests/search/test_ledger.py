import json
from functools import partial

import optuna
import pytest
from optuna.samplers._tpe.sampler import _split_trials
from optuna.storages import RDBStorage

from pipeline.errors import StudyError
from pipeline.record import best
from pipeline.search.candidate import judge
from pipeline.search.ledger import Ledger, read, storage_errors
from pipeline.trial import Outcome, Report, State
from tests.search_helpers import CLASSES, SHAPE, begin
from tests.search_helpers import ledger as open_ledger
from tests.spaces import CONTINUOUS, space

KINDS = [("accuracy",), ("accuracy", "macs")]


@pytest.fixture
def wide(tmp_path):
    return space(tmp_path, CONTINUOUS)


@pytest.fixture(params=KINDS, ids=",".join)
def objective(request):
    return request.param


@pytest.fixture
def ledger(objective):
    """Opens ledgers of one kind of study after another: all that is said of one is true of the others."""
    return partial(open_ledger, objective=objective)


def stored(folder):
    return optuna.load_study(study_name=None, storage=f"sqlite:///{folder / 'optuna.db'}")


def test_every_state_is_on_disk_as_told(tmp_path, wide, ledger):
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


def test_what_was_running_when_the_process_died_is_repeated_under_its_number(tmp_path, wide, ledger):
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


def test_an_interrupted_trial_is_told_and_repeated(tmp_path, wide, ledger):
    book = ledger(tmp_path, wide)
    trial, _ = begin(book, wide)
    book.tell(Outcome(trial.number, State.INTERRUPTED, reason="interrupted"))
    assert read(tmp_path / "optuna.db")[0][0].state is State.INTERRUPTED
    again, _ = begin(ledger(tmp_path, wide), wide)
    assert again == trial


def test_a_trial_whose_outcome_was_noted_is_not_trained_again(tmp_path, wide, ledger, monkeypatch):
    book = ledger(tmp_path, wide)
    begin(book, wide)
    monkeypatch.setattr(book, "_close", lambda number, outcome: None)  # the process dies before Optuna is told
    book.tell(Outcome(0, State.COMPLETE, 0.75, 4))
    again = ledger(tmp_path, wide)
    assert again.queued == 0
    assert again.begun == 1
    assert [(trial.state.name, trial.values[0]) for trial in stored(tmp_path).get_trials()] == [("COMPLETE", 0.75)]


def test_a_hand_picked_point_is_not_lost_when_the_process_dies_before_it_is_accepted(tmp_path, wide, ledger):
    book = ledger(tmp_path, wide)
    point = wide.complete({"blocks": 2, "filters": [4, 16]})
    book.enqueue(point)
    assert book.ask(None).values == point
    again = ledger(tmp_path, wide)
    assert again.queued == 1
    assert again.ask(None).values == point


def test_a_known_candidate_is_known_after_a_restart_unless_it_was_interrupted(tmp_path, wide, ledger):
    book = ledger(tmp_path, wide)
    _, done = begin(book, wide)
    book.tell(Outcome(0, State.COMPLETE, 0.7))
    _, cut = begin(book, wide)
    again = ledger(tmp_path, wide)
    assert again.known(done) == 0
    assert again.known(cut) is None


def test_optuna_sees_the_values_that_were_reported(tmp_path, wide, ledger, objective):
    book = ledger(tmp_path, wide)
    begin(book, wide)
    for epoch, value in enumerate([0.3, 0.6], start=1):
        book.report(Report(0, epoch, {"val_accuracy": value}, 1.0))
    book.tell(Outcome(0, State.COMPLETE, 0.6, 2))
    [trial] = stored(tmp_path).get_trials()
    costs = book.records[0].costs
    assert trial.values == [0.6, *(costs[name] for name in objective[1:])]
    assert trial.intermediate_values == {1: 0.3, 2: 0.6}
    assert trial.constraints == {"possible": 0.0, "trained": 0.0}


def test_the_pruner_is_asked(tmp_path, wide, ledger):
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


def test_a_database_without_a_study_is_an_error_of_one_line_and_our_own_faults_are_none_of_its(tmp_path):
    RDBStorage(f"sqlite:///{tmp_path / 'optuna.db'}")
    with pytest.raises(StudyError, match=r"optuna\.db: holds no study of convtune's"):
        read(tmp_path / "optuna.db")
    with pytest.raises(KeyError), storage_errors(tmp_path / "optuna.db"):
        {}["a fault in the program"]


def test_attributes_are_plain_json(tmp_path, wide, ledger):
    book = ledger(tmp_path, wide)
    begin(book, wide)
    book.tell(Outcome(0, State.COMPLETE, 0.6, 2))
    attributes = stored(tmp_path).get_trials()[0].user_attrs
    assert json.loads(json.dumps(attributes)) == attributes


def climb(book, wide, top, stop=5, state=State.COMPLETE):
    """A trial that rises to ``top`` in 5 epochs, reports ``stop`` of them and ends in ``state``."""
    trial, candidate = begin(book, wide)
    for epoch in range(1, stop + 1):
        book.report(Report(trial.number, epoch, {"val_accuracy": top * epoch / 5}, 1.0))
    book.tell(Outcome(trial.number, state, top * stop / 5 if stop else None, stop, model="m.keras"))
    return candidate


def test_the_sampler_prefers_complete_trials_then_pruned_ones_that_came_far(tmp_path, wide, ledger):
    """TPE takes its good trials from the head of an order, and finds none by itself where objectives are many."""
    book = ledger(tmp_path, wide, epochs=5)
    climb(book, wide, 0.9, 0, State.FAILED)
    climb(book, wide, 0.5, 2, State.PRUNED)
    climb(book, wide, 0.9, 2, State.PRUNED)
    climb(book, wide, 0.3, 4, State.PRUNED)
    climb(book, wide, 0.4)
    study = stored(tmp_path)
    trials = study.get_trials()
    below = [[trial.number for trial in _split_trials(study, trials, n)[0]] for n in range(1, 6)]
    order = [(set(after) - set(before)).pop() for before, after in zip([[], *below[:-1]], below, strict=True)]
    assert order == [4, 3, 2, 1, 0]


def test_a_bayesian_search_goes_on_over_trials_of_every_state(tmp_path, wide, ledger):
    book = ledger(tmp_path, wide, "asha", 5)
    ends = [(5, State.COMPLETE), (2, State.PRUNED), (0, State.FAILED), (2, State.PRUNED), (1, State.INTERRUPTED)]
    for run in range(15):
        stop, state = ends[run % len(ends)]
        trial, _ = begin(book, wide, "bayesian")
        for epoch in range(1, stop + 1):
            book.report(Report(trial.number, epoch, {"val_accuracy": float("nan") if run == 1 else 0.5}, 1.0))
        book.tell(Outcome(trial.number, state, 0.5 if stop and run != 1 else None, stop))
    assert len(book.records) == 13, "two of 15 runs were repeated"


def test_the_pruner_remembers_what_it_heard_before_a_restart(tmp_path, wide, ledger):
    book = ledger(tmp_path, wide, "median", 5)
    for _ in range(5):
        climb(book, wide, 0.9)
    book = ledger(tmp_path, wide, "median", 5)
    trial, _ = begin(book, wide)
    assert [book.report(Report(trial.number, epoch, {"val_accuracy": 0.1}, 1.0)) for epoch in (1, 2)] == [False, True]


def test_a_proposal_that_is_known_is_told_all_its_values(tmp_path, wide, ledger):
    book = ledger(tmp_path, wide)
    candidate = climb(book, wide, 0.7)
    book.enqueue(candidate.values)
    proposal = book.ask(None)
    verdict = judge(wide, proposal.values, SHAPE, CLASSES)
    book.repeat(proposal, verdict, book.known(verdict.candidate))
    first, second = stored(tmp_path).get_trials()
    assert second.values == first.values
    assert second.state.name == "COMPLETE"


def test_a_point_with_a_verdict_is_remembered_by_its_values(tmp_path, wide):
    """One that is infeasible, one that becomes a trial, and one that is equal to it."""
    book = open_ledger(tmp_path, wide)
    points = [wide.complete({"blocks": blocks, "filters": size}) for blocks, size in ((1, 4), (1, 8), (1, 16), (2, 4))]
    verdict = judge(wide, points[0], SHAPE, CLASSES)
    for point in points[:3]:
        book.enqueue(point)
    book.accept(book.ask(None), verdict, verdict.candidate, 0, 4)
    book.repeat(book.ask(None), verdict, 0)
    book.reject(book.ask(None), verdict)
    for same in (book, open_ledger(tmp_path, wide)):
        assert [same.judged(point) for point in points] == [True, True, True, False]


def test_the_front_is_marked_here_and_on_disk(tmp_path, wide):
    book = open_ledger(tmp_path, wide, epochs=5, objective=("accuracy", "macs"))
    for top in (0.5, 0.9, 0.7, 0.1, 0.6, 0.3):
        climb(book, wide, top)
    climb(book, wide, 1.0, 2, State.PRUNED)
    macs = {record.number: record.macs for record in book.records}
    tops = dict(enumerate((0.5, 0.9, 0.7, 0.1, 0.6, 0.3)))
    for record in book.records[:6]:
        better = [n for n in tops if tops[n] >= record.value and macs[n] <= record.macs and n != record.number]
        assert record.front == (not better)
    assert not book.records[6].front
    assert read(tmp_path / "optuna.db")[0] == book.records
    assert best(book.records).number == 1


def test_a_study_of_one_objective_has_no_front(tmp_path, wide):
    book = open_ledger(tmp_path, wide, epochs=5)
    climb(book, wide, 0.5)
    assert [(record.front, record.minimised) for record in book.records] == [(False, ())]
