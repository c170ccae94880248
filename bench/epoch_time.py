"""Fits what training takes beside the MACs of a network: the constants of ``pipeline.search.forecast``.

    python bench/epoch_time.py [FOLDER] [--sides 16 32 64 96] [--trials 30] [--minutes 4] [--keep]

FOLDER is CIFAR-10 as an image folder, with train/<class> and test/<class>; without it nothing is measured. At each size
of the images, random networks of ``plain`` train on 2,000 of them for three epochs, as trials of a study without
pruning, for so many minutes at most. The seconds of an epoch for one image, the median of a trial's, are taken to be
(MACs + a + b x pixels) / rate; a and b are those for which their logarithms deviate least. Printed are a, b, the
deviation and the rate of all workers, and how far the epochs of each trial are from a forecast by the trials before it:
by their median pace, and by the pace of the one with the most similar network. ``--keep`` writes
bench/results/epoch_time.json. Takes about 10 minutes on a machine that does nothing else.
"""

import argparse
import csv
import itertools
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from contenders.subset import write_subset
from machine import keep, machine

from pipeline.executors.devices import usable_cores
from pipeline.search.forecast import BESIDE_PER_IMAGE, BESIDE_PER_PIXEL
from pipeline.search.optuna_study import load_trials

IMAGES, EPOCHS = 2_000, 3
MACS_PER_PIXEL = 40_000
"""The limit of a network's MACs, so that the largest ones end in time."""


class Measured(NamedTuple):
    """One trial: pixels of an image, MACs of the network, and the seconds that an epoch takes for one image."""

    pixels: int
    macs: float
    seconds: float


def main() -> None:
    """Parses the arguments, trains, fits, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--sides", type=int, nargs="+", default=[16, 32, 64, 96])
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--keep", action="store_true", help="write results/epoch_time.json")
    args = parser.parse_args()
    if args.folder is None:
        print("name CIFAR-10's folder to measure epochs: python bench/epoch_time.py FOLDER")
        return
    print(machine(), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        write_subset(args.folder, IMAGES, Path(folder, "subset.npz"))
        studies = [train(Path(folder), side, args.trials, args.minutes) for side in args.sides]
    figures = fit([trial for study in studies for trial in study]) | forecasts(studies)
    for name, figure in figures.items():
        print(f"{name}: {figure:.4g}")
    print(f"constants in use: {BESIDE_PER_IMAGE:.3g} per image, {BESIDE_PER_PIXEL:g} per pixel")
    if args.keep:
        keep(figures)


def train(folder: Path, side: int, trials: int, minutes: float) -> list[Measured]:
    """The trials of a study that have two epochs at least, in the order of their numbers."""
    flags = f"--data subset.npz --space plain --image-size {side} --limit macs={MACS_PER_PIXEL * side**2} --seed 1"
    flags += f" --search random --pruner none --epochs {EPOCHS} --trials {trials} --time {minutes}m --study side{side}"
    subprocess.run([sys.executable, "-m", "pipeline", "tune", *flags.split(), "-q"], cwd=folder, check=True)
    paths, records, _ = load_trials(str(folder / "studies" / f"side{side}"))
    measured = []
    for record in records:
        if record.result.epochs < 2 or record.macs is None:
            continue
        with paths.history(record.number).open(newline="") as rows:
            ends = [float(row["seconds"]) for row in csv.DictReader(rows)]
        seconds = statistics.median(later - before for before, later in itertools.pairwise(ends))
        measured.append(Measured(side**2, record.macs, seconds / IMAGES))
    return measured


def fit(trials: list[Measured]) -> dict[str, Any]:
    """The MACs per image and per pixel for which the pace of the trials varies least."""
    pixels, macs, seconds = (np.array(column, float) for column in zip(*trials, strict=True))

    def log_paces(per_image: float, per_pixel: float) -> Any:
        return np.log(seconds / (macs + per_image + per_pixel * pixels))

    candidates = itertools.product(np.geomspace(1e5, 1e7, 60), [0, *np.geomspace(50, 6000, 60)])
    deviation, *beside = min((float(log_paces(*beside).std()), *beside) for beside in candidates)
    pace = float(np.exp(np.median(log_paces(*beside))))
    return {
        "trials": len(trials),
        "MACs beside, per image": float(beside[0]),
        "MACs beside, per pixel": float(beside[1]),
        "deviation of the logarithms": deviation,
        "with the constants in use": float(log_paces(BESIDE_PER_IMAGE, BESIDE_PER_PIXEL).std()),
        "MACs per second, all workers": len(usable_cores()) / pace,
    }


def forecasts(studies: list[list[Measured]]) -> dict[str, Any]:
    """The root of the mean square by which the logarithms of forecast epochs are off, with the constants in use."""
    errors: dict[str, list[float]] = {"forecast by all, error": [], "forecast by the most similar, error": []}
    for study in studies:
        work = np.array([trial.macs + BESIDE_PER_IMAGE + BESIDE_PER_PIXEL * trial.pixels for trial in study])
        paces = np.log([trial.seconds for trial in study]) - np.log(work)
        macs = np.log([trial.macs for trial in study])
        for number in range(1, len(study)):
            nearest = int(np.abs(macs[:number] - macs[number]).argmin())
            for errs, forecast in zip(errors.values(), (np.median(paces[:number]), paces[nearest]), strict=True):
                errs.append(float(forecast - paces[number]))
    return {name: float(np.sqrt(np.mean(np.square(errs)))) for name, errs in errors.items()}


if __name__ == "__main__":
    main()
