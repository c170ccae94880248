"""Measures what a study costs beyond the bare training of its models.

    python bench/overhead.py [--trials 20] [--epochs 10] [--rounds 2]

Runs a study of random points of up to 4 million MACs on mnist5k without pruning, from the command line, in an empty
folder. Then, in a new process, runs a bare ``model.fit`` loop over the same models on the same arrays; it reads their
params from a file. Both times are of whole processes, imports included, and alternate. Prints each time and the ratio
of the medians. The study trains as many models at a time as it does by default, the loop one on all cores.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import machine

STUDY = "overhead"


def main() -> None:
    """Parses the arguments, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--bare", metavar="POINTS", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.bare:
        bare(Path(args.bare), args.epochs)
        return
    print(machine())
    times: dict[str, list[float]] = {"study": [], "bare": []}
    for _ in range(args.rounds):
        with tempfile.TemporaryDirectory() as folder:
            times["study"].append(study(Path(folder), args.trials, args.epochs))
            points = write_points(Path(folder))
            script = [sys.executable, __file__, "--bare", str(points), "--epochs", str(args.epochs)]
            times["bare"].append(seconds(script, Path(folder)))
        print(f"study {times['study'][-1]:.1f} s, bare fit loop {times['bare'][-1]:.1f} s", flush=True)
    ratio = statistics.median(times["study"]) / statistics.median(times["bare"])
    print(f"{args.trials} trials of {args.epochs} epochs: study / bare = {ratio:.3f} (median of {args.rounds} rounds)")


def study(folder: Path, trials: int, epochs: int) -> float:
    """Seconds of ``convtune tune`` in an empty folder; the cache of images is warm, MLflow's store is new."""
    flags = "--data mnist5k --space quick --limit macs=4M --search random --pruner none --seed 1"
    flags += f" --trials {trials} --epochs {epochs} --study {STUDY} -q"
    command = [sys.executable, "-m", "pipeline", "tune", *flags.split()]
    return seconds(command, folder)


def write_points(folder: Path) -> Path:
    """Writes a file with the list of the params of the study's trials; returns its path."""
    from pipeline.search.optuna_study import read_study

    records, _ = read_study(folder / "studies" / STUDY / "optuna.db")
    points = folder / "points.json"
    points.write_text(json.dumps([record.params for record in records]))
    return points


def seconds(command: list[str], folder: Path) -> float:
    """The wall time of a command in ``folder``."""
    root = str(Path(__file__).resolve().parent.parent)
    environment = os.environ | {"PYTHONPATH": root, "TF_CPP_MIN_LOG_LEVEL": "3"}
    began = time.monotonic()
    subprocess.run(
        command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    return time.monotonic() - began


def bare(points: Path, epochs: int) -> None:
    """Trains the models of ``points`` as a script of a few lines would: arrays in memory, ``fit``, nothing else."""
    import keras
    import numpy as np

    from pipeline.architecture import FAMILIES
    from pipeline.data import load
    from pipeline.recipe import Recipe
    from pipeline.training.build import build_training_model
    from pipeline.training.optimizer import make_loss, make_optimizer

    data = load("mnist5k", seed=1, fetch=lambda name, target: None)
    one_hot = np.eye(len(data.classes), dtype="float32")
    x, y = np.array(data.images[data.train]), one_hot[data.labels[data.train]]
    validation = np.array(data.images[data.validation]), one_hot[data.labels[data.validation]]
    for params in json.loads(points.read_text()):
        keras.utils.clear_session()
        recipe = Recipe.from_params(params)
        model = build_training_model(FAMILIES["plain"].build(params, data.shape, 10), scale=[1 / 255], offset=[0.0])
        steps = epochs * (len(x) // recipe.batch_size)
        model.compile(make_optimizer(recipe, steps), make_loss(recipe), metrics=["accuracy"], jit_compile=False)
        model.fit(x, y, batch_size=recipe.batch_size, epochs=epochs, validation_data=validation, verbose=0)


if __name__ == "__main__":
    main()
