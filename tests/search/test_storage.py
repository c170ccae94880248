import json
import shutil
import sqlite3
import subprocess
import time
from contextlib import closing
from functools import partial

import optuna
import pytest
from optuna.samplers._tpe.sampler import _split_trials
from optuna.storages import RDBStorage
from optuna.trial import TrialState as OptunaState

from pipeline.candidate import judge
from pipeline.errors import StudyError
from pipeline.search.optuna_study import noted_end, read_study, runs_of, storage_errors
from pipeline.search.stop_reason import StopReason
from pipeline.space import complete
from pipeline.study.record import best
from pipeline.study.trial import EpochReport, Fault, TrialResult, TrialState
from tests.required import lacking_right
from tests.search_helpers import CLASSES, SHAPE, begin, open_storage
from tests.spaces import CONTINUOUS, space

KINDS = [(), ("macs",)]


@pytest.fixture
def wide(tmp_path):
    return space(tmp_path, CONTINUOUS)


@pytest.fixture(params=KINDS, ids=["score", "score and macs"])
def minimized(request):
    return request.param


@pytest.fixture
def open_kind(minimized):
    """Opens ledgers of one kind of study after another: all that is said of one is true of the others."""
    return partial(open_storage, minimized=minimized)


def pruned_after(storage, report):
    """Whether the pruner wants a trial to stop once this is reported."""
    return storage.should_prune(storage.report(report).number)


def stored(folder):
    return optuna.load_study(study_name=None, storage=f"sqlite:///{folder / 'optuna.db'}")


def test_why_a_search_ended_is_on_disk_until_the_next_begins(tmp_path, wide, open_kind):
    storage = open_kind(tmp_path, wide)
    assert noted_end(stored(tmp_path)) is None
    for reason in (StopReason.SPACE_COVERED, None):
        storage.note_end(reason)
        assert noted_end(stored(tmp_path)) is noted_end(storage.study) is reason


def test_every_state_is_on_disk_as_told(tmp_path, wide, open_kind):
    storage = open_kind(tmp_path, wide)
    results = [
        TrialResult(0, TrialState.COMPLETE, 0.9, 4, 12.5, device="cpu", model="m.keras", batch_size=16),
        TrialResult(1, TrialState.PRUNED, 0.4, 2, 3.0, "pruned after epoch 2"),
        TrialResult(2, TrialState.FAILED, None, 0, 1.0, "loss is nan in epoch 1", fault=Fault.ERROR),
        TrialResult(3, TrialState.FAILED, None, 0, 1.0, "no space left on device", fault=Fault.MACHINE),
    ]
    for result in results:
        trial, _ = begin(storage, wide)
        assert trial.number == result.number
        storage.tell(result)
    begin(storage, wide)
    records, _ = read_study(tmp_path / "optuna.db")
    assert [record.result for record in records[:4]] == results
    assert records[4].state is TrialState.RUNNING
    assert records == storage.records


def test_what_was_running_when_the_process_died_is_repeated_under_its_number(tmp_path, wide, open_kind):
    first = open_kind(tmp_path, wide)
    trial, candidate = begin(first, wide)
    first.report(EpochReport(trial.number, 1, {"val_accuracy": 0.3}, 1.0))
    again = open_kind(tmp_path, wide)
    assert again.queued == 1
    assert again.begun == 0
    repeated, same = begin(again, wide)
    assert (repeated.number, repeated.params, repeated.seed) == (trial.number, trial.params, trial.seed)
    assert same.key == candidate.key
    again.tell(TrialResult(repeated.number, TrialState.COMPLETE, 0.8))
    assert [record.state for record in open_kind(tmp_path, wide).records] == [TrialState.COMPLETE]


def test_a_trial_takes_the_first_free_slot_and_notes_when_it_began(tmp_path, wide, open_kind):
    storage = open_kind(tmp_path, wide)
    before = time.time()
    slots = [begin(storage, wide)[0].slot for _ in range(3)]
    storage.tell(TrialResult(1, TrialState.COMPLETE, 0.5, 4))
    assert [*slots, begin(storage, wide)[0].slot] == [0, 1, 2, 1]
    trials = [record.trial for record in read_study(tmp_path / "optuna.db")[0]]
    assert [trial.slot for trial in trials] == [0, 1, 2, 1]
    assert before <= trials[0].began <= trials[3].began <= time.time()


def test_every_run_of_an_interrupted_trial_is_kept(tmp_path, wide, open_kind):
    storage = open_kind(tmp_path, wide)
    begin(storage, wide)
    storage.tell(TrialResult(0, TrialState.INTERRUPTED, seconds=3.0))
    again = open_kind(tmp_path, wide)
    begin(again, wide)
    again.tell(TrialResult(0, TrialState.COMPLETE, 0.5, 4, 9.0))
    runs = runs_of(stored(tmp_path), again.records[0].objective)
    assert [(run.number, run.state, run.result.seconds) for run in runs] == [
        (0, TrialState.INTERRUPTED, 3.0),
        (0, TrialState.COMPLETE, 9.0),
    ]


def test_an_interrupted_trial_is_told_and_repeated(tmp_path, wide, open_kind):
    storage = open_kind(tmp_path, wide)
    trial, _ = begin(storage, wide)
    storage.tell(TrialResult(trial.number, TrialState.INTERRUPTED, reason="interrupted"))
    assert read_study(tmp_path / "optuna.db")[0][0].state is TrialState.INTERRUPTED
    again, _ = begin(open_kind(tmp_path, wide), wide)
    assert again == trial


def test_a_trial_knows_where_its_point_comes_from_also_after_a_restart(tmp_path, wide, open_kind):
    storage = open_kind(tmp_path, wide)
    storage.enqueue(complete(wide, {"blocks": 2, "filters": [4, 16]}), "start point small")
    queued, _ = begin(storage, wide)
    drawn, _ = begin(storage, wide)
    assert (queued.source, drawn.source) == ("start point small", "search")
    again = open_kind(tmp_path, wide)  # both were running
    assert {begin(again, wide)[0].source for _ in range(2)} == {"start point small", "search"}
    records, _ = read_study(tmp_path / "optuna.db")
    assert [record.trial.source for record in records] == ["start point small", "search"]


def test_a_trial_whose_outcome_was_noted_is_not_trained_again(tmp_path, wide, open_kind, monkeypatch):
    storage = open_kind(tmp_path, wide)
    begin(storage, wide)
    with monkeypatch.context() as dying:  # the process dies before Optuna is told
        dying.setattr("pipeline.search.storage.close", lambda study, number, record: None)
        storage.tell(TrialResult(0, TrialState.COMPLETE, 0.75, 4))
    again = open_kind(tmp_path, wide)
    assert again.queued == 0
    assert again.begun == 1
    assert [(trial.state.name, trial.values[0]) for trial in stored(tmp_path).get_trials()] == [("COMPLETE", 0.75)]


def test_a_hand_picked_point_is_not_lost_when_the_process_dies_before_it_is_accepted(tmp_path, wide, open_kind):
    storage = open_kind(tmp_path, wide)
    point = complete(wide, {"blocks": 2, "filters": [4, 16]})
    storage.enqueue(point)
    assert storage.ask(None).params == point
    again = open_kind(tmp_path, wide)
    assert again.queued == 1
    assert again.ask(None).params == point


def test_a_known_candidate_is_known_after_a_restart_unless_it_was_interrupted(tmp_path, wide, open_kind):
    storage = open_kind(tmp_path, wide)
    _, done = begin(storage, wide)
    storage.tell(TrialResult(0, TrialState.COMPLETE, 0.7))
    _, cut = begin(storage, wide)
    again = open_kind(tmp_path, wide)
    assert again.number_of(done) == 0
    assert again.number_of(cut) is None


def test_no_sampler_learns_from_a_fault_of_the_machine_and_its_candidate_stays_known(tmp_path, wide, open_kind):
    storage = open_kind(tmp_path, wide)
    for number, fault in enumerate((Fault.ERROR, Fault.MACHINE)):
        trial, candidate = begin(storage, wide)
        storage.tell(TrialResult(trial.number, TrialState.FAILED, fault=fault))
        assert open_kind(tmp_path, wide).number_of(candidate) == number
    own, machine = stored(tmp_path).get_trials()
    assert (own.state, machine.state) == (OptunaState.PRUNED, OptunaState.FAIL)
    assert own.constraints["trained"] == 1
    assert ("fault" in own.user_attrs, machine.user_attrs["fault"]) == (False, "machine")


def fail(storage, wide, fault):
    trial, candidate = begin(storage, wide)
    storage.tell(TrialResult(trial.number, TrialState.FAILED, reason="it failed", fault=fault))
    return candidate


def test_what_the_machine_has_failed_is_tried_again_under_its_number_and_counts_once(tmp_path, wide, open_kind):
    storage = open_kind(tmp_path, wide)
    fail(storage, wide, Fault.ERROR)
    candidate = fail(storage, wide, Fault.MACHINE)
    climb(storage, wide, 0.5)
    assert storage.begun == 3
    assert storage.requeue_failed() == [1]
    assert storage.requeue_failed() == []
    for again in (storage, open_kind(tmp_path, wide)):  # also if the process ends before the trial begins
        assert (again.begun, again.queued, again.number_of(candidate)) == (2, 1, None)
    trial, repeated = begin(again, wide)
    assert (trial.number, repeated.key, again.begun) == (1, candidate.key, 3)
    again.tell(TrialResult(1, TrialState.COMPLETE, 0.7, 4))
    for later in (again, open_kind(tmp_path, wide)):
        assert [record.state.value for record in later.records] == ["failed", "complete", "complete"]
        assert (later.begun, later.number_of(candidate)) == (3, 1)
        assert later.requeue_failed() == []


def test_what_fails_again_can_be_tried_again_and_so_can_what_was_cut_off(tmp_path, wide, open_kind):
    storage = open_kind(tmp_path, wide)
    fail(storage, wide, Fault.MACHINE)
    for _ in range(2):
        assert storage.requeue_failed() == [0]
        fail(storage, wide, Fault.MACHINE)
        assert (storage.begun, len(storage.records)) == (1, 1)
    storage.requeue_failed()
    begin(storage, wide)
    storage = open_kind(tmp_path, wide)  # the process was killed
    assert (storage.begun, storage.queued) == (0, 1)
    assert storage.requeue_failed() == []
    storage.postpone(storage.ask(None))
    storage = open_kind(tmp_path, wide)
    storage.requeue_for_time()
    assert (storage.begun, storage.queued) == (0, 1)


def test_optuna_sees_the_values_that_were_reported(tmp_path, wide, open_kind, minimized):
    storage = open_kind(tmp_path, wide)
    begin(storage, wide)
    for epoch, value in enumerate([0.3, 0.6], start=1):
        storage.report(EpochReport(0, epoch, {"val_accuracy": value}, 1.0))
    storage.tell(TrialResult(0, TrialState.COMPLETE, 0.6, 2))
    [trial] = stored(tmp_path).get_trials()
    costs = storage.records[0].costs
    assert trial.values == [0.6, *(costs[name] for name in minimized)]
    assert trial.intermediate_values == {1: 0.3, 2: 0.6}
    assert trial.constraints == {"possible": 0.0, "trained": 0.0}


def test_the_pruner_is_asked(tmp_path, wide, open_kind):
    storage = open_kind(tmp_path, wide, pruner="median", epochs=5)
    for _ in range(6):
        trial, _ = begin(storage, wide)
        for epoch in range(1, 6):
            assert not pruned_after(storage, EpochReport(trial.number, epoch, {"val_accuracy": 0.9}, 1.0))
        storage.tell(TrialResult(trial.number, TrialState.COMPLETE, 0.9))
    trial, _ = begin(storage, wide)
    answers = [pruned_after(storage, EpochReport(trial.number, epoch, {"val_accuracy": 0.1}, 1.0)) for epoch in (1, 2)]
    assert answers == [False, True]


def test_a_file_that_is_no_database_is_an_error_of_one_line(tmp_path, wide):
    (tmp_path / "optuna.db").write_text("this is no database, but it is long enough to look like one" * 20)
    with pytest.raises(StudyError, match=r"optuna\.db") as error:
        open_storage(tmp_path, wide)
    assert "\n" not in str(error.value)


def test_a_database_without_a_study_is_an_error_of_one_line_and_our_own_faults_are_none_of_its(tmp_path):
    RDBStorage(f"sqlite:///{tmp_path / 'optuna.db'}")
    with pytest.raises(StudyError, match=r"optuna\.db: does not hold a study of convtune"):
        read_study(tmp_path / "optuna.db")
    with pytest.raises(KeyError), storage_errors(tmp_path / "optuna.db"):
        {}["a fault in the program"]


def test_a_database_of_another_version_of_optuna_is_an_error_of_one_line_with_the_command(tmp_path, wide):
    open_storage(tmp_path, wide)
    for version, advice in {"v2.6.0.a": "optuna storage upgrade --storage", "v99.a": "pip install -U optuna"}.items():
        with closing(sqlite3.connect(tmp_path / "optuna.db")) as database:
            database.execute("UPDATE alembic_version SET version_num = ?", (version,))
            database.commit()
        for read in (lambda: read_study(tmp_path / "optuna.db"), lambda: open_storage(tmp_path, wide)):
            with pytest.raises(StudyError, match=r"optuna\.db: Optuna's storage was written by") as error:
                read()
            assert f"run `{advice}" in str(error.value)
            assert "\n" not in str(error.value)


def test_a_study_has_its_database_in_a_folder_of_any_name(tmp_path, wide):
    folder = tmp_path / "a%20b {x} 100%25 #1?"
    folder.mkdir()
    begin(open_storage(folder, wide), wide)
    assert len(read_study(folder / "optuna.db")[0]) == 1
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == [folder]


def test_attributes_are_plain_json(tmp_path, wide, open_kind):
    storage = open_kind(tmp_path, wide)
    begin(storage, wide)
    storage.tell(TrialResult(0, TrialState.COMPLETE, 0.6, 2))
    attributes = stored(tmp_path).get_trials()[0].user_attrs
    assert json.loads(json.dumps(attributes)) == attributes


def climb(storage, wide, top, stop=5, state=TrialState.COMPLETE):
    """A trial that rises to ``top`` in 5 epochs, reports ``stop`` of them and ends in ``state``."""
    trial, candidate = begin(storage, wide)
    for epoch in range(1, stop + 1):
        storage.report(EpochReport(trial.number, epoch, {"val_accuracy": top * epoch / 5}, 1.0))
    storage.tell(TrialResult(trial.number, state, top * stop / 5 if stop else None, stop, model="m.keras"))
    return candidate


def test_the_sampler_prefers_complete_trials_then_pruned_ones_that_came_far(tmp_path, wide, open_kind):
    """TPE takes its good trials from the head of an order, and finds none by itself where objectives are many."""
    storage = open_kind(tmp_path, wide, epochs=5)
    climb(storage, wide, 0.9, 0, TrialState.FAILED)
    climb(storage, wide, 0.5, 2, TrialState.PRUNED)
    climb(storage, wide, 0.9, 2, TrialState.PRUNED)
    climb(storage, wide, 0.3, 4, TrialState.PRUNED)
    climb(storage, wide, 0.4)
    study = stored(tmp_path)
    trials = study.get_trials()
    below = [[trial.number for trial in _split_trials(study, trials, n)[0]] for n in range(1, 6)]
    order = [(set(after) - set(before)).pop() for before, after in zip([[], *below[:-1]], below, strict=True)]
    assert order == [4, 3, 2, 1, 0]


def test_a_bayesian_search_goes_on_over_trials_of_every_state(tmp_path, wide, open_kind):
    storage = open_kind(tmp_path, wide, "asha", 5)
    ends = [
        (5, TrialState.COMPLETE),
        (2, TrialState.PRUNED),
        (0, TrialState.FAILED),
        (2, TrialState.PRUNED),
        (1, TrialState.INTERRUPTED),
    ]
    for run in range(15):
        stop, state = ends[run % len(ends)]
        trial, _ = begin(storage, wide, "bayesian")
        for epoch in range(1, stop + 1):
            storage.report(EpochReport(trial.number, epoch, {"val_accuracy": float("nan") if run == 1 else 0.5}, 1.0))
        storage.tell(TrialResult(trial.number, state, 0.5 if stop and run != 1 else None, stop))
    assert len(storage.records) == 13, "two of 15 runs were repeated"


def test_the_pruner_remembers_what_it_heard_before_a_restart(tmp_path, wide, open_kind):
    storage = open_kind(tmp_path, wide, "median", 5)
    for _ in range(5):
        climb(storage, wide, 0.9)
    storage = open_kind(tmp_path, wide, "median", 5)
    trial, _ = begin(storage, wide)
    assert [
        pruned_after(storage, EpochReport(trial.number, epoch, {"val_accuracy": 0.1}, 1.0)) for epoch in (1, 2)
    ] == [
        False,
        True,
    ]


def test_a_proposal_that_is_known_is_told_all_its_values(tmp_path, wide, open_kind):
    storage = open_kind(tmp_path, wide)
    candidate = climb(storage, wide, 0.7)
    storage.enqueue(candidate.params)
    proposal = storage.ask(None)
    feasibility = judge(wide, proposal.params, SHAPE, CLASSES)
    storage.repeat(proposal, feasibility, storage.number_of(feasibility.candidate))
    first, second = stored(tmp_path).get_trials()
    assert second.values == first.values
    assert second.state.name == "COMPLETE"


def test_a_point_with_a_verdict_is_remembered_by_its_values(tmp_path, wide):
    """One that is infeasible, one that becomes a trial, and one that is equal to it."""
    storage = open_storage(tmp_path, wide)
    points = [complete(wide, {"blocks": blocks, "filters": size}) for blocks, size in ((1, 4), (1, 8), (1, 16), (2, 4))]
    feasibility = judge(wide, points[0], SHAPE, CLASSES)
    for point in points[:3]:
        storage.enqueue(point)
    storage.accept(storage.ask(None), feasibility, feasibility.candidate, 0)
    storage.repeat(storage.ask(None), feasibility, 0)
    storage.reject(storage.ask(None), feasibility)
    for same in (storage, open_storage(tmp_path, wide)):
        assert [same.is_judged(point) for point in points] == [True, True, True, False]


def test_the_front_is_marked_here_and_on_disk(tmp_path, wide):
    storage = open_storage(tmp_path, wide, epochs=5, minimized=("macs",))
    for top in (0.5, 0.9, 0.7, 0.1, 0.6, 0.3):
        climb(storage, wide, top)
    climb(storage, wide, 1.0, 2, TrialState.PRUNED)
    macs = {record.number: record.macs for record in storage.records}
    tops = dict(enumerate((0.5, 0.9, 0.7, 0.1, 0.6, 0.3)))
    for record in storage.records[:6]:
        better = [n for n in tops if tops[n] >= record.score and macs[n] <= record.macs and n != record.number]
        assert record.front == (not better)
    assert not storage.records[6].front
    assert read_study(tmp_path / "optuna.db")[0] == storage.records
    assert best(storage.records).number == 1


def test_a_study_of_one_objective_has_no_front(tmp_path, wide):
    storage = open_storage(tmp_path, wide, epochs=5)
    climb(storage, wide, 0.5)
    assert [(record.front, record.objective.minimized) for record in storage.records] == [(False, ())]


def fall(storage, wide, bottom, stop=5, state=TrialState.COMPLETE):
    """A trial whose log loss falls to ``bottom`` in 5 epochs, of which it reports ``stop``; it ends in ``state``."""
    trial, _ = begin(storage, wide)
    for epoch in range(1, stop + 1):
        storage.report(EpochReport(trial.number, epoch, {"val_log_loss": bottom + 5 - epoch}, 1.0))
    score = bottom + 5 - stop if stop else None
    storage.tell(TrialResult(trial.number, state, score, stop, model="m.keras"))


@pytest.mark.parametrize("minimized", KINDS, ids=["score", "score and macs"])
def test_of_a_minimised_metric_the_sampler_prefers_the_low_scores(tmp_path, wide, minimized):
    storage = open_storage(tmp_path, wide, epochs=5, metric="log_loss", minimized=minimized)
    fall(storage, wide, 0.1, 0, TrialState.FAILED)
    fall(storage, wide, 2.5, 2, TrialState.PRUNED)
    fall(storage, wide, 0.1, 2, TrialState.PRUNED)
    fall(storage, wide, 3.0, 4, TrialState.PRUNED)
    fall(storage, wide, 2.0)
    study = stored(tmp_path)
    trials = study.get_trials()
    below = [[trial.number for trial in _split_trials(study, trials, n)[0]] for n in range(1, 6)]
    order = [(set(after) - set(before)).pop() for before, after in zip([[], *below[:-1]], below, strict=True)]
    assert order == [4, 3, 2, 1, 0]


def test_of_a_minimised_metric_the_pruner_stops_the_high_scores_also_after_a_restart(tmp_path, wide):
    open_again = partial(open_storage, tmp_path, wide, "median", 5, metric="log_loss")
    for _ in range(5):
        fall(open_again(), wide, 0.1)
    storage = open_again()
    good, _ = begin(storage, wide)
    bad, _ = begin(storage, wide)
    for number, loss, pruned in ((good.number, 0.5, False), (bad.number, 9.0, True)):
        losses = [EpochReport(number, epoch, {"val_log_loss": loss}, 1.0) for epoch in (1, 2)]
        assert [pruned_after(storage, report) for report in losses] == [False, pruned]
    assert storage.records[good.number].score == 0.5


def test_of_a_minimised_metric_the_lowest_epoch_is_the_score_and_the_lowest_trial_the_best(tmp_path, wide):
    storage = open_storage(tmp_path, wide, metric="log_loss")
    for losses in ((0.9, 0.4, 0.6), (0.8, 0.7, 0.3)):
        trial, _ = begin(storage, wide)
        for epoch, loss in enumerate(losses, start=1):
            record = storage.report(EpochReport(trial.number, epoch, {"val_log_loss": loss}, 1.0))
        assert record.score == min(losses)
        storage.tell(TrialResult(trial.number, TrialState.COMPLETE, record.score, 3, model="m.keras"))
    records, _ = read_study(tmp_path / "optuna.db")
    assert best(records).number == 1


@pytest.mark.parametrize("killed", [False, True])
def test_the_model_of_an_interrupted_trial_is_not_lost_by_its_repetition(tmp_path, wide, killed):
    storage = open_storage(tmp_path, wide)
    begin(storage, wide)
    left = TrialResult(0, TrialState.INTERRUPTED, 0.9, epochs=3, model="model.keras")
    storage.tell(left)
    storage = open_storage(tmp_path, wide)
    trial, _ = begin(storage, wide)
    assert (trial.number, trial.earlier_score) == (0, 0.9)
    if not killed:
        assert storage.tell(TrialResult(0, TrialState.INTERRUPTED, 0.5, epochs=1)).result == left
    storage = open_storage(tmp_path, wide)
    assert storage.records[0].result == left
    begin(storage, wide)
    storage.tell(TrialResult(0, TrialState.COMPLETE, 0.8, epochs=4))
    for again in (storage, open_storage(tmp_path, wide)):
        [repeated] = again.records
        assert (repeated.state, repeated.score, repeated.result.model) == (TrialState.COMPLETE, 0.9, "model.keras")
    assert stored(tmp_path).best_value == 0.9


@pytest.fixture
def drive(tmp_path):
    """A folder that is mounted so that no file in it can be mapped to be written, as some network drives are."""
    behind, folder = tmp_path / "behind", tmp_path / "drive"
    behind.mkdir()
    folder.mkdir()
    if shutil.which("bindfs") is None or subprocess.run(["bindfs", "-o", "direct_io", behind, folder]).returncode:
        lacking_right("bindfs cannot mount a folder here")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_where_files_cannot_be_shared_in_memory_the_storage_does_without_a_log(drive, wide):
    storage = open_storage(drive, wide, epochs=5)
    climb(storage, wide, 0.5)
    assert [record.score for record in read_study(drive / "optuna.db")[0]] == [0.5]
    climb(storage, wide, 0.6)
    assert [record.score for record in open_storage(drive, wide, epochs=5).records] == [0.5, 0.6]
    with closing(sqlite3.connect(drive / "optuna.db")) as reader:
        assert reader.execute("PRAGMA journal_mode").fetchone() == ("delete",)
