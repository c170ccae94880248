import math

import optuna
import pytest
from optuna.samplers import RandomSampler
from optuna.storages import RDBStorage
from optuna.trial import TrialState
from sqlalchemy import event

from pipeline.search.mirror import MirroredStorage


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'optuna.db'}"


def open_mirror(url, directions=("maximize",)):
    backend = RDBStorage(url)
    if backend.engine.dialect.name == "sqlite":
        event.listen(backend.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
        backend.engine.dispose()
    stored = optuna.create_study(storage=backend, study_name="study", directions=directions, load_if_exists=True)
    mirror = MirroredStorage(backend, stored)
    return optuna.load_study(study_name="study", storage=mirror, sampler=RandomSampler(0)), mirror


def stored(url):
    return optuna.load_study(study_name="study", storage=url).get_trials()


def draw(study):
    trial = study.ask()
    if trial.suggest_categorical("kind", ["a", None, True, 3]) is not None:
        trial.suggest_float("rate", 1e-4, 1, log=True)
    trial.suggest_int("width", 4, 32, step=4)
    return trial


def fill(study, flush=lambda: None):
    """Trials of every state, with values, attributes and reports of every kind."""
    for number in range(6):
        trial = draw(study)
        trial.set_user_attr("trial", {"number": number, "costs": [1, None, "ü"]})
        trial.set_constraint("possible", 0.0)
        flush()
        for step, value in enumerate((0.25, math.inf, -math.inf, math.nan), start=1):
            study._storage.set_trial_intermediate_value(trial._trial_id, step, value)
            flush()
        trial.set_user_attr("trial", {"number": number, "changed": True})
        if number == 0:
            study.tell(trial, [math.inf for _ in study.directions])
        elif number < 4:
            study.tell(trial, state=[TrialState.PRUNED, TrialState.FAIL, TrialState.PRUNED][number - 1])
        elif number == 4:
            study.tell(trial, [0.5 for _ in study.directions])
        flush()
    study.enqueue_trial({"width": 8}, user_attrs={"number": 3})
    flush()


def same(trial):
    """What is equal wherever a trial is stored: all but its id, with NaN as text."""
    content = {name: value for name, value in vars(trial).items() if name != "_trial_id"}
    return repr(content)


@pytest.mark.parametrize("directions", [("maximize",), ("maximize", "minimize")])
@pytest.mark.parametrize("often", [True, False])
def test_optuna_reads_from_the_file_what_is_in_memory(url, directions, often):
    study, mirror = open_mirror(url, directions)
    fill(study, mirror.flush if often else lambda: None)
    mirror.flush()
    states = [trial.state.name for trial in study.trials]
    assert states == ["COMPLETE", "PRUNED", "FAIL", "PRUNED", "COMPLETE", "RUNNING", "WAITING"]
    assert [same(trial) for trial in stored(url)] == [same(trial) for trial in study.trials]
    again, _ = open_mirror(url, directions)
    assert [same(trial) for trial in again.trials] == [same(trial) for trial in study.trials]


def test_what_was_unfinished_goes_on_in_its_row(url):
    study, mirror = open_mirror(url)
    fill(study)
    mirror.flush()
    study, mirror = open_mirror(url)
    waiting = study.ask()
    assert (waiting.number, waiting.suggest_int("width", 4, 32, step=4)) == (6, 8)
    study.tell(waiting, 0.75)
    study.tell(5, 0.25)
    draw(study)
    mirror.flush()
    assert [same(trial) for trial in stored(url)] == [same(trial) for trial in study.trials]
    assert [trial.state.name for trial in stored(url)[5:]] == ["COMPLETE", "COMPLETE", "RUNNING"]


def test_nothing_is_in_the_file_before_it_is_flushed_and_then_all_at_once(url):
    study, mirror = open_mirror(url)
    study.tell(draw(study), 0.5)
    draw(study)
    assert stored(url) == []
    mirror.flush()
    assert len(stored(url)) == 2


def test_a_study_is_never_queried_and_a_flush_is_one_transaction_of_few_statements(url):
    """As many for the last trial as for the first."""
    study, mirror = open_mirror(url)
    statements, commits = [], []
    event.listen(mirror._backend.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    event.listen(mirror._backend.engine, "commit", commits.append)
    counts = []
    for _ in range(20):
        before = len(statements)
        trial = draw(study)
        trial.set_user_attr("trial", {})
        mirror.flush()
        study._storage.set_trial_intermediate_value(trial._trial_id, 1, 0.5)
        mirror.flush()
        study.tell(trial, 0.5)
        mirror.flush()
        counts.append(len(statements) - before)
    assert set(counts) == {6}
    assert len(commits) == 60
    assert not any(statement.startswith("SELECT") for statement in statements)


def test_equal_distributions_are_one_object(url):
    study, mirror = open_mirror(url)
    for _ in range(3):
        study.tell(draw(study), 0.5)
    wider = study.ask()
    wider.suggest_int("width", 4, 64, step=4)
    mirror.flush()
    for trials in (study.trials, open_mirror(url)[0].trials):
        widths = [trial.distributions["width"] for trial in trials]
        assert [width.high for width in widths] == [32, 32, 32, 64]
    widths = [trial.distributions["width"] for trial in study.get_trials(deepcopy=False)]
    assert widths[0] is widths[1] is widths[2]


def test_attributes_of_the_study_are_stored(url):
    study, _ = open_mirror(url)
    study.set_user_attr("objective", {"metric": "accuracy"})
    study._storage.set_study_system_attr(study._study_id, "sampler", 3)
    for again in (optuna.load_study(study_name="study", storage=url), open_mirror(url)[0]):
        assert again.user_attrs == {"objective": {"metric": "accuracy"}}
        assert again._storage.get_study_system_attrs(again._study_id) == {"sampler": 3}


def test_equal_distributions_are_one_object_after_a_restart_too(url):
    study, mirror = open_mirror(url)
    fill(study, mirror.flush)
    trials = open_mirror(url)[0].get_trials(deepcopy=False)
    assert len({id(trial.distributions["width"]) for trial in trials if "width" in trial.distributions}) == 1
    assert [t.distributions for t in trials] == [t.distributions for t in stored(url)]
