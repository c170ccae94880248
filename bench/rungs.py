"""Measures how well an early epoch ranks networks as their ends do, and so what a pruner should compare.

    python bench/rungs.py [DATA] [--points 16] [--epochs 12] [--macs 4e6] [--seed 0]

Trains random points of the space plain, of at most so many MACs on DATA (an image folder or an .npz file; without it
mnist5k), by schedules in turn, and follows three measures: validation accuracy by the weights themselves, by averaged
weights (``pipeline.training.weight_average``), and of short trainings with a complete schedule. Prints for a sixth, a
third and half of the epochs the rank correlation (Spearman) of each measure with the best accuracy at the end, and how
much worse the network that it ranks first ends than the best (regret). Points that stay below twice the accuracy of
chance are left out of the correlation: they are easy to tell.
"""

import argparse
import itertools
from dataclasses import replace

import keras
import numpy as np
from machine import machine
from scipy.stats import spearmanr

from pipeline.candidate import design
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


def train(data, architecture, recipe, epochs, seed):
    """The two lists of accuracies by epoch of one training."""
    keras.utils.set_random_seed(seed)
    scale, offset = compute_normalisation(data)
    with forget_models():
        model = build_training_model(architecture, scale=scale, offset=offset)
        steps = len(data.train) // recipe.batch_size
        model.compile(make_optimizer(recipe, epochs * steps), make_loss(recipe), jit_compile=False)
        average = WeightAverage(recipe.ema, steps)
        accuracies = Accuracies(data, average)
        batches = TrainingBatches(data.images, data.labels, data.train, len(data.classes), recipe, seed)
        model.fit(batches, epochs=epochs, callbacks=[average, accuracies], verbose=0)
    return accuracies.own, accuracies.averaged


def candidates(data, macs, seed):
    """Random points of plain that give a network of at most so many MACs; the schedules take turns."""
    schedules = itertools.cycle(SCHEDULES)
    for params in sample(load_space("plain"), seed):
        candidate = design(params, data.shape, len(data.classes))
        if hasattr(candidate, "architecture") and candidate.costs["macs"] <= macs:
            recipe = replace(Recipe.from_params(params), schedule=next(schedules), warmup=0.0)
            yield candidate.architecture, recipe


def main() -> None:
    """Parses the arguments, trains, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", default="mnist5k")
    parser.add_argument("--points", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--macs", type=float, default=4e6)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    print(machine())
    data = load(args.data, seed=args.seed, fetch=lambda name, target: None)
    rungs = [max(1, args.epochs // part) for part in RUNGS]
    measures = {}
    ends = []
    for number, (architecture, recipe) in enumerate(
        itertools.islice(candidates(data, args.macs, args.seed), args.points)
    ):
        own, averaged = train(data, architecture, recipe, args.epochs, number)
        ends.append(max(averaged))
        for rung in rungs:
            short, _ = train(data, architecture, recipe, rung, number)
            for name, accuracy in (("own", own[rung - 1]), ("averaged", averaged[rung - 1]), ("short", short[-1])):
                measures.setdefault((name, rung), []).append(accuracy)
        first = rungs[0] - 1
        curves = f"own {own[first]:.3f} .. {max(own):.3f}, averaged {averaged[first]:.3f} .. {max(averaged):.3f}"
        print(f"{number}: {recipe.schedule}, {recipe.optimizer}, {architecture.macs / 1e6:.1f} M MACs: {curves}")
    report(measures, np.array(ends), 2 / len(data.classes))


def report(measures, ends, least):
    """Prints the table of correlations and regrets."""
    learned = ends > least
    print(f"{learned.sum()} of {len(ends)} networks learned more than {least:.2f}; the best has {ends.max():.3f}")
    print("measure    epoch  rank correlation  regret of its first")
    for (name, rung), values in sorted(measures.items()):
        accuracies = np.array(values)
        rho = spearmanr(accuracies[learned], ends[learned])[0]
        print(f"{name:10} {rung:5}  {rho:16.2f}  {ends.max() - ends[accuracies.argmax()]:.3f}")


if __name__ == "__main__":
    main()
