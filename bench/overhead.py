"""What a study costs beyond the bare training of its models.

    python bench/overhead.py [--trials 20] [--epochs 10] [--rounds 2]

Runs a study of random points on mnist5k without pruning, from the command line, in an empty folder; then, in a new
process, a bare ``model.fit`` loop over the same models on the same arrays, which reads their values from a file. Both
times are of whole processes, imports included, and take turns. Prints each time and the ratio of the medians.
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
    """Parses, measures, prints."""
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
            points = points_of(Path(folder))
            script = [sys.executable, __file__, "--bare", str(points), "--epochs", str(args.epochs)]
            times["bare"].append(seconds(script, Path(folder)))
        print(f"study {times['study'][-1]:.1f} s, bare fit loop {times['bare'][-1]:.1f} s", flush=True)
    ratio = statistics.median(times["study"]) / statistics.median(times["bare"])
    print(f"{args.trials} trials of {args.epochs} epochs: study / bare = {ratio:.3f} (median of {args.rounds} rounds)")


def study(folder: Path, trials: int, epochs: int) -> float:
    """Seconds of ``convtune tune`` in an empty folder; the cache of images is warm, MLflow's store is new."""
    flags = f"--data mnist5k --space quick --search random --pruner none --seed 1 --trials {trials} --epochs {epochs}"
    command = [sys.executable, "-m", "pipeline", "tune", *flags.split(), "--study", STUDY, "-q"]
    return seconds(command, folder)


def points_of(folder: Path) -> Path:
    """A file of what the study's trials were: a list of their values."""
    from pipeline.search.ledger import read

    points = folder / "points.json"
    points.write_text(json.dumps([record.values for record in read(folder / "studies" / STUDY / "optuna.db")[0]]))
    return points


def seconds(command: list[str], folder: Path) -> float:
    """Wall time of a command in ``folder``."""
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
    from pipeline.training.build import build
    from pipeline.training.optimize import loss, optimizer

    data = load("mnist5k", seed=1, fetch=lambda name, target: None)
    one_hot = np.eye(len(data.classes), dtype="float32")
    x, y = np.array(data.images[data.train]), one_hot[data.labels[data.train]]
    validation = np.array(data.images[data.validation]), one_hot[data.labels[data.validation]]
    for values in json.loads(points.read_text()):
        keras.utils.clear_session()
        recipe = Recipe.from_values(values)
        model = build(FAMILIES["plain"].rule(values, data.shape, 10), scale=[1 / 255], offset=[0.0])
        steps = epochs * (len(x) // recipe.batch_size)
        model.compile(optimizer(recipe, steps), loss(recipe), metrics=["accuracy"], jit_compile=False)
        model.fit(x, y, batch_size=recipe.batch_size, epochs=epochs, validation_data=validation, verbose=0)


if __name__ == "__main__":
    main()
