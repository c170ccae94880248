import random

import optuna
import pytest
from optuna.samplers import RandomSampler, TPESampler
from optuna.samplers._tpe.sampler import _split_trials
from optuna.trial import TrialState

from pipeline.search.samplers.few_trials import MOST, FewTrials


class Watching(RandomSampler):
    """Notes which trials it is shown, once for each of its proposals."""

    def __init__(self):
        super().__init__(0)
        self.shown, self.looked_through = [], []

    def infer_relative_search_space(self, study, trial):
        self.looked_through += study._get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
        return {}

    def sample_independent(self, study, trial, param_name, param_distribution):
        self.shown.append(study._get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED)))
        return super().sample_independent(study, trial, param_name, param_distribution)


def run(study, trials, seed=0):
    """Trials of random values; every third is pruned, every ninth has violated a constraint."""
    source = random.Random(seed)
    for number in range(trials):
        trial = study.ask()
        trial.suggest_float("x", 0, 1)
        trial.set_constraint("possible", float(number % 9 == 0))
        trial.set_constraint("trained", 1e-9 * (number % 3 == 0))
        if number % 3:
            study.tell(trial, [source.random() for _ in study.directions])
        else:
            study.tell(trial, state=TrialState.PRUNED)


@pytest.mark.parametrize("directions", [["maximize"], ["minimize"], ["maximize", "minimize"]])
def test_what_a_proposal_looks_at_stops_growing_and_holds_the_best_and_the_latest(directions):
    watching = Watching()
    study = optuna.create_study(directions=directions, sampler=FewTrials(watching))
    run(study, 700)
    sizes = [len(shown) for shown in watching.shown]
    assert sizes[: MOST + 1] == list(range(MOST + 1))
    assert set(sizes[MOST:]) == {MOST}
    numbers = [trial.number for trial in watching.shown[-1]]
    assert numbers == sorted(numbers)
    assert set(range(600, 699)) <= set(numbers)
    good, _ = _split_trials(study, study.get_trials(deepcopy=False)[:-1], 25)
    missing = {trial.number for trial in good} - set(numbers)
    assert not missing if len(directions) == 1 else len(missing) < 5


def test_each_trial_is_compared_once(monkeypatch):
    """Beside the best ones so far: not the whole study at each proposal."""
    compared = []
    few = "pipeline.search.samplers.few_trials"
    monkeypatch.setattr(f"{few}.best_of", lambda trials, directions: compared.append(len(trials)) or trials[:25])
    run(optuna.create_study(sampler=FewTrials(Watching())), 600)
    assert compared[:27] == [0, *range(1, 27)]
    assert set(compared[27:]) == {26}


def test_each_trial_is_looked_through_once_for_hyperparameters():
    watching = Watching()
    study = optuna.create_study(sampler=watching)
    run(study, 30)
    watching.looked_through.clear()
    study.sampler = FewTrials(watching)
    run(study, 30)
    assert [trial.number for trial in watching.looked_through] == list(range(59))


def test_trials_that_end_late_are_seen():
    watching = Watching()
    study = optuna.create_study(sampler=FewTrials(watching))
    late = study.ask()
    run(study, 5)
    study.tell(late, 0.5)
    run(study, 2)
    assert 0 not in [trial.number for trial in watching.shown[4]]
    assert [trial.number for trial in watching.shown[-1]] == list(range(7))


@pytest.mark.parametrize("settings", [{}, {"multivariate": True, "group": True}, {"constant_liar": False}])
def test_a_small_study_is_searched_as_without_it(settings):
    """With four trials that run at each time."""
    found = []
    for wrap in (FewTrials, lambda sampler: sampler):
        study = optuna.create_study(sampler=wrap(TPESampler(seed=3, **settings)))
        running = []
        for number in range(40):
            running.append(study.ask())
            running[-1].suggest_float("x", 0, 1)
            running[-1].suggest_categorical("kind", ["a", "b"])
            if number >= 4:
                study.tell(running.pop(0), float(number % 7))
        found.append([trial.params for trial in study.trials])
    assert found[0] == found[1]
