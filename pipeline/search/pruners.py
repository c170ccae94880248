"""The rules that stop poor trials early. A new one is one line here."""

import math
from collections.abc import Callable, Iterable, Mapping

import optuna
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import RandomSampler
from optuna.trial import FrozenTrial, TrialState

_FACTOR = 3
"""Of three trials at a rung one goes on: the eta of Li et al. 2018 and 2020."""


def first_rung(epochs: int) -> int:
    """The first epoch after which a trial may be stopped: a tenth of them, and never the first.

    On recorded learning curves rungs from the first epoch left TPE far behind TPE without pruning.
    """
    return max(2, math.ceil(epochs / 10))


PRUNERS: Mapping[str, Callable[[int], BasePruner]] = {
    "asha": lambda epochs: SuccessiveHalvingPruner(min_resource=first_rung(epochs), reduction_factor=_FACTOR),
    "median": lambda epochs: MedianPruner(n_startup_trials=5, n_warmup_steps=first_rung(epochs)),
    "hyperband": lambda epochs: HyperbandPruner(first_rung(epochs), max(epochs, first_rung(epochs)), _FACTOR),
    "none": lambda epochs: NopPruner(),
}


class Pruning:
    """What a pruner knows: the validation accuracies of a study's trials, in a study of Optuna's in memory.

    Optuna refuses to report and to prune in a study of several objectives, and pruning goes by the accuracy alone; so
    the pruner of every study works on this one. Its trials have the numbers of the stored proposals, since Hyperband
    draws a trial's bracket from its number.
    """

    def __init__(self, name: str, pruner: BasePruner, earlier: Iterable[FrozenTrial]) -> None:
        """A study called ``name`` goes on after ``earlier`` trials: what they reported is reported again."""
        self._study = optuna.create_study(
            study_name=name, direction="maximize", pruner=pruner, sampler=RandomSampler(0)
        )
        self._trials: list[optuna.Trial] = []
        for trial in earlier:
            for epoch, value in sorted(trial.intermediate_values.items()):
                self.report(trial.number, epoch, value)
            if trial.state is TrialState.COMPLETE and trial.intermediate_values:
                self.complete(trial.number, trial.values[0])

    def report(self, number: int, epoch: int, value: float) -> bool:
        """Notes an accuracy (NaN where there is none); whether the pruner wants the trial to stop."""
        trial = self._trial(number)
        trial.report(value, epoch)
        return trial.should_prune()

    def complete(self, number: int, value: float) -> None:
        """Notes that a trial came to its end: the median pruner compares with such trials only."""
        self._study.tell(self._trial(number), value)

    def _trial(self, number: int) -> optuna.Trial:
        """The trial of this number; those before it that have reported nothing are there without a word."""
        while len(self._trials) <= number:
            self._trials.append(self._study.ask())
        return self._trials[number]
