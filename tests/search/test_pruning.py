"""Pruning beside the stored study decides as Optuna does inside a study, and after a restart too."""

import random

import optuna
import pytest
from optuna.samplers import RandomSampler

from pipeline.metrics import ACCURACY
from pipeline.search.pruners import PRUNERS
from pipeline.search.pruning import LATEST, Pruning

EPOCHS = 12


def curves(seed, trials=30):
    source = random.Random(seed)
    return [
        [source.random() ** 2 * epoch + source.gauss(0, 0.1) for epoch in range(1, EPOCHS + 1)] for _ in range(trials)
    ]


def ordinary(pruner, curves, until=EPOCHS):
    """An Optuna study of one objective that runs the trials two at a time; it and all its answers."""
    study = optuna.create_study(
        study_name="study", direction="maximize", pruner=PRUNERS[pruner].make(EPOCHS), sampler=RandomSampler(0)
    )
    answers = []
    for pair in zip(curves[::2], curves[1::2], strict=True):
        trials = {study.ask(): curve for curve in pair}
        for epoch in range(1, EPOCHS + 1):
            for trial, curve in list(trials.items()):
                trial.report(curve[epoch - 1], epoch)
                answers.append((trial.number, epoch, curve[epoch - 1], trial.should_prune()))
                if answers[-1][-1]:
                    study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                    del trials[trial]
        for trial, curve in trials.items():
            study.tell(trial, curve[-1])
            answers.append((trial.number, None, curve[-1], None))
    return study, answers


def replay(pruning, answers):
    """What ``pruning`` says to the same reports."""
    for number, epoch, value, _ in answers:
        if epoch is None:
            pruning.complete(number, value)
            yield number, epoch, value, None
        else:
            yield number, epoch, value, pruning.report(number, epoch, value)


@pytest.mark.parametrize("pruner", sorted(PRUNERS))
@pytest.mark.parametrize("seed", [0, 1])
def test_it_decides_as_optuna_does(pruner, seed):
    _, answers = ordinary(pruner, curves(seed))
    assert list(replay(Pruning("study", PRUNERS[pruner].make(EPOCHS), ACCURACY, []), answers)) == answers
    assert (pruner == "none") != any(stopped for *_, stopped in answers)


@pytest.mark.parametrize("pruner", sorted(PRUNERS))
def test_it_goes_on_as_if_it_had_never_stopped(pruner):
    seen = curves(2)
    earlier, before = ordinary(pruner, seen[:20])
    _, answers = ordinary(pruner, seen)
    assert answers[: len(before)] == before
    resumed = Pruning("study", PRUNERS[pruner].make(EPOCHS), ACCURACY, earlier.get_trials())
    assert list(replay(resumed, answers[len(before) :])) == answers[len(before) :]


def test_numbers_may_come_in_any_order_and_nan_is_the_worst():
    pruning = Pruning("study", PRUNERS["asha"].make(EPOCHS), ACCURACY, [])
    assert not pruning.report(7, 1, 0.5)
    assert not pruning.report(7, 2, 0.5)
    assert not pruning.report(3, 1, float("nan"))
    assert pruning.report(3, 2, float("nan"))


def test_a_trial_is_compared_with_the_latest_only():
    pruning = Pruning("study", PRUNERS["asha"].make(EPOCHS), ACCURACY, [])

    def last_is_pruned(number, score):
        pruning.report(number, 1, score)
        return pruning.report(number, 2, score)

    for number in range(LATEST):
        last_is_pruned(number, 0.9)
    assert last_is_pruned(LATEST, 0.5)
    assert len(pruning._study.get_trials()) == LATEST
    answers = [last_is_pruned(number, 0.5) for number in range(LATEST + 1, 2 * LATEST)]
    assert answers[0]
    assert not answers[-1]  # those with 0.9 are too long ago
