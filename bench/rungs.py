"""Measures how well an early epoch ranks networks as their ends do, and so what a pruner should compare.

    python bench/rungs.py [FOLDER] [--points 24] [--epochs 12] [--macs 4e6] [--seed 0] [--keep]

FOLDER is CIFAR-10 as an image folder, with train/<class> and test/<class>; 4,000 of its images are trained on and 1,000
validate; without it the digits of mnist5k. Trains random points of the space plain, of at most so many MACs, by
schedules in turn, and measures after a sixth, a third and half of the epochs the validation accuracy:

- own: of the weights themselves;
- averaged: of averaged weights (``pipeline.training.weight_average``);
- short: of another training with a complete schedule of so many epochs;
- branch: of a training at the recipe's peak rate, after a branch of half as many epochs in which the rate falls to 0.

The first two cost nothing beside the training itself, a short one all of its epochs, since its weights are of no use
later, a branch its own ones. Prints for each measure the rank correlation (Spearman) with the best accuracy at the end
of the training itself, how much worse the network that it ranks first ends than the best (regret), and the epochs that
it costs. Points that stay below twice the accuracy of chance are left out of the correlation: they are easy to tell.
``--keep`` writes bench/results/rungs.json. Takes about 20 minutes.
"""

import argparse
import itertools
import math
import tempfile
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
from contenders.subset import write_subset
from keras import ops
from machine import keep, machine
from scipy.stats import spearmanr

from pipeline.candidate import judge
from pipeline.data import load
from pipeline.recipe import Recipe
from pipeline.space import load as load_space
from pipeline.space.sample import sample
from pipeline.training.batches import ReadingBatches, TrainingBatches
from pipeline.training.build import build_training_model
from pipeline.training.memory import forget_models
from pipeline.training.normalisation import compute_normalisation
from pipeline.training.optimizer import make_loss, make_optimizer
from pipeline.training.weight_average import WeightAverage

SCHEDULES = ("one_cycle", "cosine", "constant")
RUNGS = (6, 3, 2)
"""A measure after this part of the epochs."""
BRANCH = 0.5
"""The epochs of a branch, as a share of those before it."""


class ConstantThenBranch(keras.optimizers.schedules.LearningRateSchedule):
    """The same rate for ``trunk`` steps, then ``branch`` steps in which it falls to 0 along a line."""

    def __init__(self, rate, trunk, branch):
        self._rate, self._trunk, self._branch = rate, trunk, branch

    def __call__(self, step):
        """Called by Keras."""
        return self._rate * ops.clip((self._trunk + self._branch - ops.cast(step, "float32")) / self._branch, 0.0, 1.0)

    def get_config(self):
        """Keras requires it of every schedule."""
        return {"rate": self._rate, "trunk": self._trunk, "branch": self._branch}


class Accuracies(keras.callbacks.Callback):
    """The validation accuracy after each epoch, by the weights themselves and by ``average``."""

    def __init__(self, data, average):
        super().__init__()
        self._batches = ReadingBatches(data.images, data.validation)
        self._labels, self._average = data.labels[data.validation], average
        self.own, self.averaged = [], []

    def on_epoch_end(self, epoch, logs=None):
        """Called by Keras."""
        own = self.model.get_weights()
        self.own.append(self._accuracy())
        self.model.set_weights(self._average.weights)
        self.averaged.append(self._accuracy())
        self.model.set_weights(own)

    def _accuracy(self):
        return float((self.model.predict(self._batches, verbose=0).argmax(1) == self._labels).mean())


def train(data, architecture, recipe, epochs, seed, trunk=0):
    """The two lists of accuracies by epoch of one training; with a branch after ``trunk`` epochs, if there are any."""
    keras.utils.set_random_seed(seed)
    scale, offset = compute_normalisation(data)
    with forget_models():
        model = build_training_model(architecture, scale=scale, offset=offset)
        steps = len(data.train) // recipe.batch_size
        optimizer = make_optimizer(recipe, epochs * steps)
        if trunk:
            optimizer.learning_rate = ConstantThenBranch(recipe.learning_rate, trunk * steps, (epochs - trunk) * steps)
        model.compile(optimizer, make_loss(recipe), jit_compile=False)
        average = WeightAverage(recipe.ema, steps)
        accuracies = Accuracies(data, average)
        batches = TrainingBatches(data.images, data.labels, data.train, len(data.classes), recipe, seed)
        model.fit(batches, epochs=epochs, callbacks=[average, accuracies], verbose=0)
    return accuracies.own, accuracies.averaged


def candidates(data, macs, seed):
    """Random points of plain that give a network of at most so many MACs; the schedules take turns."""
    schedules, space = itertools.cycle(SCHEDULES), load_space("plain")
    for params in sample(space, seed):
        candidate = judge(space, params, data.shape, len(data.classes)).candidate
        if candidate is not None and candidate.costs["macs"] <= macs:
            recipe = replace(Recipe.from_params(params), schedule=next(schedules), warmup=0.0)
            yield candidate.architecture, recipe


def main() -> None:
    """Parses the arguments, trains, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--points", type=int, default=24)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--macs", type=float, default=4e6)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", action="store_true", help="write results/rungs.json")
    args = parser.parse_args()
    print(machine())
    data = read(args.folder)
    rungs = [max(1, args.epochs // part) for part in RUNGS]
    measures, ends = {}, []
    points = itertools.islice(candidates(data, args.macs, args.seed), args.points)
    for number, (architecture, recipe) in enumerate(points):
        own, averaged = train(data, architecture, recipe, args.epochs, number)
        ends.append(max(averaged))
        for rung in rungs:
            branch = math.ceil(BRANCH * rung)
            short, _ = train(data, architecture, recipe, rung, number)
            branched, _ = train(data, architecture, recipe, rung + branch, number, trunk=rung)
            for measure, cost, accuracy in (
                ("own", 0, own[rung - 1]),
                ("averaged", 0, averaged[rung - 1]),
                ("short", rung, short[-1]),
                ("branch", branch, branched[-1]),
            ):
                measures.setdefault((measure, rung, cost), []).append(accuracy)
        first = rungs[0] - 1
        curves = f"own {own[first]:.3f} .. {max(own):.3f}, averaged {averaged[first]:.3f} .. {max(averaged):.3f}"
        print(
            f"{number}: {recipe.schedule}, {recipe.optimizer}, {architecture.macs / 1e6:.1f} M MACs: {curves}",
            flush=True,
        )
    figures = report(measures, np.array(ends), 2 / len(data.classes))
    if args.keep:
        keep(figures)


def read(folder):
    """The images to train on."""
    with tempfile.TemporaryDirectory() as temporary:
        name = "mnist5k"
        if folder is not None:
            name = str(Path(temporary, "subset.npz"))
            write_subset(folder, 4_000, Path(name))
        return load(name, seed=0, fetch=lambda name, target: None)


def report(measures, ends, least):
    """Prints the table of correlations and regrets; returns its figures."""
    learned = ends > least
    print(f"{learned.sum()} of {len(ends)} networks learned more than {least:.2f}; the best has {ends.max():.3f}")
    print("measure    epoch  extra epochs  rank correlation  regret of its first")
    figures = {}
    for (measure, rung, cost), values in sorted(measures.items()):
        accuracies = np.array(values)
        rho, regret = (
            float(spearmanr(accuracies[learned], ends[learned])[0]),
            float(ends.max() - ends[accuracies.argmax()]),
        )
        print(f"{measure:10} {rung:5}  {cost:12}  {rho:16.2f}  {regret:.3f}")
        figures.setdefault(measure, {})[str(rung)] = {"extra epochs": cost, "rank correlation": rho, "regret": regret}
    return {"networks": len(ends), "learned": int(learned.sum()), "best": float(ends.max()), "measures": figures}


if __name__ == "__main__":
    main()
