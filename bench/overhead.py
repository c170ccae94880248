"""What a study costs beyond the bare training of its models.

    python bench/overhead.py [--trials 20] [--epochs 10] [--rounds 2]

Runs a study of random points on mnist5k without pruning, from the command line, in an empty folder; then, in a new
process, a bare ``model.fit`` loop over the same models on the same arrays. Both times are of whole processes, imports
included, and take turns. Prints each time and the ratio of the medians.
"""

import argparse
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
    parser.add_argument("--bare", metavar="STUDY_FOLDER", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.bare:
        bare(Path(args.bare), args.epochs)
        return
    print(machine())
    times: dict[str, list[float]] = {"study": [], "bare": []}
    for _ in range(args.rounds):
        with tempfile.TemporaryDirectory() as folder:
            times["study"].append(study(Path(folder), args.trials, args.epochs))
            script = [sys.executable, __file__, "--bare", f"{folder}/studies/{STUDY}", "--epochs", str(args.epochs)]
            times["bare"].append(seconds(script, Path(folder)))
        print(f"study {times['study'][-1]:.1f} s, bare fit loop {times['bare'][-1]:.1f} s", flush=True)
    ratio = statistics.median(times["study"]) / statistics.median(times["bare"])
    print(f"{args.trials} trials of {args.epochs} epochs: study / bare = {ratio:.3f} (median of {args.rounds} rounds)")


def study(folder: Path, trials: int, epochs: int) -> float:
    """Seconds of ``convtune tune`` in an empty folder; the cache of images is warm, MLflow's store is new."""
    flags = f"--data mnist5k --space quick --search random --pruner none --seed 1 --trials {trials} --epochs {epochs}"
    command = [sys.executable, "-m", "pipeline", "tune", *flags.split(), "--study", STUDY, "-q"]
    return seconds(command, folder)


def seconds(command: list[str], folder: Path) -> float:
    """Wall time of a command in ``folder``."""
    root = str(Path(__file__).resolve().parent.parent)
    environment = os.environ | {"PYTHONPATH": root, "TF_CPP_MIN_LOG_LEVEL": "3"}
    began = time.monotonic()
    subprocess.run(
        command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    return time.monotonic() - began


def bare(folder: Path, epochs: int) -> None:
    """Trains the study's models as a script of a few lines would: arrays in memory, ``fit``, nothing else."""
    import keras
    import numpy as np

    from pipeline.data import load
    from pipeline.recipe import Recipe
    from pipeline.search.candidate import FAMILIES
    from pipeline.search.ledger import read
    from pipeline.training.build import build
    from pipeline.training.optimize import loss, optimizer

    data = load("mnist5k", seed=1, fetch=lambda name, target: None)
    one_hot = np.eye(len(data.classes), dtype="float32")
    x, y = np.array(data.images[data.train]), one_hot[data.labels[data.train]]
    validation = np.array(data.images[data.validation]), one_hot[data.labels[data.validation]]
    for record in read(folder / "optuna.db")[0]:
        keras.utils.clear_session()
        recipe = Recipe.from_values(record.values)
        model = build(FAMILIES["plain"].rule(record.values, data.shape, 10), scale=[1 / 255], offset=[0.0])
        steps = epochs * (len(x) // recipe.batch_size)
        model.compile(optimizer(recipe, steps), loss(recipe), metrics=["accuracy"], jit_compile=False)
        model.fit(x, y, batch_size=recipe.batch_size, epochs=epochs, validation_data=validation, verbose=0)


if __name__ == "__main__":
    main()
