import time

import pytest

from pipeline.executors import Function, Inline, Local
from pipeline.search.ledger import read
from pipeline.search.loop import Budget, Loop
from pipeline.search.propose import Proposer
from pipeline.search.searches import SEARCHES
from pipeline.trial import Answer, State
from tests.fakes import Climb, Die, Raise
from tests.search_helpers import judging, ledger
from tests.spaces import CONTINUOUS, GRID, space

EPOCHS = 4


class Diary:
    """A listener that writes down what it hears."""

    def __init__(self):
        self.lines = []

    def began(self, trial, candidate):
        self.lines.append(("began", trial.number))

    def reported(self, report):
        self.lines.append(("reported", report.number, report.epoch))

    def ended(self, outcome):
        self.lines.append(("ended", outcome.number, outcome.state))


def climb(trial, candidate):
    return Climb(trial.number, top=0.5 + trial.number / 100, epochs=EPOCHS)


def loop(folder, task=climb, executor=None, text=CONTINUOUS, search="random", pruner="none", listeners=()):
    book = ledger(folder, space(folder, text), pruner, EPOCHS)
    found = space(folder, text)
    proposer = Proposer(found, SEARCHES[search](found, book.proposals), book, judging(found), 0)
    return Loop(proposer, book, executor or Inline(), task, listeners), book


def states(folder):
    return [record.state for record in read(folder / "optuna.db")[0]]


def test_a_study_ends_at_its_total_and_goes_on_to_a_higher_one(tmp_path):
    for total in (3, 3, 5):
        study, book = loop(tmp_path)
        assert study.run(Budget(total, EPOCHS)) == "all trials are done"
        assert [record.number for record in book.records] == list(range(total))


def test_listeners_hear_everything_in_order_and_after_it_is_on_disk(tmp_path):
    class Witness(Diary):
        def ended(self, outcome):
            super().ended(outcome)
            assert states(tmp_path)[outcome.number] is outcome.state

    diary = Witness()
    loop(tmp_path, listeners=[diary])[0].run(Budget(2, EPOCHS))
    one = [("began", 0), *(("reported", 0, epoch) for epoch in range(1, 5)), ("ended", 0, State.COMPLETE)]
    assert diary.lines[:6] == one
    assert diary.lines[6:] == [(line[0], 1, *line[2:]) for line in one]


def test_a_trial_that_raises_costs_itself_only(tmp_path):
    def sometimes(trial, candidate):
        return Raise(trial.number, ValueError("no luck")) if trial.number == 1 else climb(trial, candidate)

    study, book = loop(tmp_path, sometimes)
    study.run(Budget(3, EPOCHS))
    assert states(tmp_path) == [State.COMPLETE, State.FAILED, State.COMPLETE]
    assert book.records[1].outcome.reason == "ValueError: no luck"


def test_a_killed_worker_is_a_failed_trial_with_its_signal(tmp_path):
    executor = Local([{}, {}])

    def sometimes(trial, candidate):
        return Die(trial.number) if trial.number == 1 else climb(trial, candidate)

    try:
        study, book = loop(tmp_path, sometimes, executor)
        study.run(Budget(4, EPOCHS))
    finally:
        executor.close()
    assert sorted(states(tmp_path)) == [State.COMPLETE] * 3 + [State.FAILED]
    failed = book.records[1].outcome
    assert "SIGKILL" in failed.reason
    assert (failed.epochs, failed.value) == (1, 0.5)


def test_the_pruner_stops_trials_but_never_at_their_last_epoch(tmp_path):
    def worse(trial, candidate):
        return Climb(trial.number, top=0.9 - trial.number / 100, epochs=EPOCHS)

    study, book = loop(tmp_path, worse, pruner="asha")
    study.run(Budget(6, EPOCHS))
    assert states(tmp_path)[0] is State.COMPLETE
    assert states(tmp_path)[3:] == [State.PRUNED] * 3
    assert {record.outcome.epochs for record in book.records[3:]} == {2}
    assert book.records[5].outcome.reason == "pruned after epoch 2"


def test_time_ends_a_study_and_its_running_trial_keeps_what_it_has(tmp_path):
    executor = Local([{}])

    def slow(trial, candidate):
        return Climb(trial.number, epochs=EPOCHS, pause=0.4)

    try:
        study, book = loop(tmp_path, slow, executor)
        began = time.monotonic()
        assert study.run(Budget(100, EPOCHS, began + 1.0)) == "time is up"
    finally:
        executor.close()
    assert len(book.records) == 1
    assert book.records[0].state is State.INTERRUPTED
    assert book.records[0].outcome.reason.startswith("time was up after epoch")
    assert book.begun == 0


def test_a_grid_ends_when_it_is_covered(tmp_path):
    study, book = loop(tmp_path, text=GRID, search="grid")
    assert study.run(Budget(1000, EPOCHS)) == "the space has no further candidate"
    assert len(book.records) == 18


def test_ctrl_c_leaves_the_running_trials_to_be_repeated(tmp_path):
    def interrupting(trial, candidate):
        return Interrupting(trial.number) if trial.number == 1 else climb(trial, candidate)

    diary = Diary()
    study, _ = loop(tmp_path, interrupting, listeners=[diary])
    with pytest.raises(KeyboardInterrupt):
        study.run(Budget(4, EPOCHS))
    assert states(tmp_path) == [State.COMPLETE, State.INTERRUPTED]
    assert diary.lines[-1] == ("ended", 1, State.INTERRUPTED)
    again, _ = loop(tmp_path)
    again.run(Budget(4, EPOCHS))
    assert states(tmp_path) == [State.COMPLETE] * 4


def test_ctrl_c_between_steps_waits_for_the_next_one(tmp_path):
    calls = []

    def check():
        calls.append(None)
        if len(calls) == 5:
            raise KeyboardInterrupt

    found = space(tmp_path, CONTINUOUS)
    book = ledger(tmp_path, found, "none", EPOCHS)
    proposer = Proposer(found, SEARCHES["random"](found, 0), book, judging(found), 0)
    with pytest.raises(KeyboardInterrupt):
        Loop(proposer, book, Inline(), climb, (), check).run(Budget(9, EPOCHS))
    assert states(tmp_path) == [State.INTERRUPTED]


HOPELESS = CONTINUOUS + "limits: {parameters: 1}\n"


class Turns(Inline):
    """An executor that counts how often it could have heard from its workers."""

    heard = 0

    def wait(self, decide, timeout=None):
        self.heard += 1
        return super().wait(decide, timeout)


def test_a_search_that_finds_nothing_lets_workers_be_heard_and_can_be_interrupted(tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.search.propose._GIVE_UP", 9)
    executor = Turns()
    study, book = loop(tmp_path, executor=executor, text=HOPELESS)

    def check():
        if executor.heard == 5:
            raise KeyboardInterrupt

    study._check = check
    with pytest.raises(KeyboardInterrupt):
        study.run(Budget(9, EPOCHS))
    assert book.proposals == 5


def test_time_ends_a_search_that_finds_nothing(tmp_path):
    study, book = loop(tmp_path, text=HOPELESS)

    class Clock(Budget):
        @property
        def over(self):
            return book.proposals >= 3

    assert study.run(Clock(9, EPOCHS)) == "time is up"
    assert book.proposals == 3


class Interrupting(Climb):
    """A trial during which somebody presses Ctrl-C."""

    def run(self, ask):
        raise KeyboardInterrupt


def test_any_python_function_can_be_the_objective(tmp_path):
    def objective(trial, candidate):
        return Function(
            lambda: Climb(trial.number, top=1 / (1 + candidate.architecture.parameters)).run(_go_on), (), trial.number
        )

    study, book = loop(tmp_path, objective)
    study.run(Budget(2, EPOCHS))
    for record in book.records:
        assert record.value == pytest.approx(1 / (1 + record.parameters))


def _go_on(report):
    return Answer.GO
