"""Measures what the command that a newcomer types finds on ordinary pictures, with no flag but the time.

    python bench/ordinary.py [FOLDER] [--time 5m] [--seed 0] [--only KIND ...] [--alone]

FOLDER is CIFAR-10 as an image folder, with train/<class> and test/<class>; without it, only the digits and generated
pictures are tried. Beside each default study stands one of ``--space plain --image-size 32``, of the same time,
unless ``--alone`` is given.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from machine import machine
from PIL import Image

COMPARED = ("--space", "plain", "--image-size", "32")
"""The flags that the default is compared with."""


def main() -> None:
    """Makes each kind of pictures, tunes on it twice, and prints one row per study."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="CIFAR-10 as an image folder")
    parser.add_argument("--time", default="5m")
    parser.add_argument("--seed", default="0")
    parser.add_argument("--only", nargs="*", default=(), help="kinds to try")
    parser.add_argument("--alone", action="store_true", help="no study to compare with")
    arguments = parser.parse_args()
    print(machine(), flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        for kind, make in kinds(arguments.folder and arguments.folder.resolve()):
            if arguments.only and kind not in arguments.only:
                continue
            data = make(Path(temporary, kind))
            for flags in ((),) if arguments.alone else ((), COMPARED):
                study = ("--time", arguments.time, "--seed", arguments.seed, *flags)
                print(f"{kind:22} {' '.join(flags) or 'default':32} {tune(data, study, Path(temporary))}", flush=True)


def kinds(cifar: Path | None) -> Iterator[tuple[str, Callable[[Path], str]]]:
    """Each kind of pictures: its name, and the function that makes it in a folder and returns what --data takes."""
    yield "digits-28x28", lambda folder: "mnist5k"
    yield "noise-224x224", make_noise
    if cifar is not None:
        yield "cifar10", lambda folder: str(cifar)
        yield "2000-of-100x100", lambda folder: enlarge(cifar, folder, per_class=200, side=100)
        yield "2000-of-224x224", lambda folder: enlarge(cifar, folder, per_class=200, side=224)
        yield "20-per-class-32x32", lambda folder: enlarge(cifar, folder, per_class=20, side=32)


def make_noise(folder: Path) -> str:
    """Two classes of 20 JPEGs of 224x224 pixels: dark noise and bright noise."""
    random = np.random.default_rng(0)
    for name, least in (("dark", 20), ("bright", 120)):
        (folder / name).mkdir(parents=True)
        for number in range(20):
            pixels = (random.integers(0, 80, (224, 224, 3)) + least).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number:03}.jpg")
    return str(folder)


def enlarge(cifar: Path, folder: Path, per_class: int, side: int) -> str:
    """The first images of each class, scaled to ``side`` pixels a side."""
    for source in sorted((cifar / "train").iterdir()):
        (folder / source.name).mkdir(parents=True)
        for file in sorted(source.iterdir())[:per_class]:
            image = Image.open(file).convert("RGB").resize((side, side), Image.Resampling.BICUBIC)
            image.save(folder / source.name / file.name, quality=92)
    return str(folder)


def tune(data: str, flags: tuple[str, ...], folder: Path) -> str:
    """Runs one study; describes its plan, its trials and its best model in one row."""
    name = f"study{time.monotonic_ns()}"
    command = [sys.executable, "-m", "pipeline", "tune", "--data", data, "--study", name, *flags]
    root = str(Path(__file__).parents[1])
    began = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": root}
    )
    seconds = time.perf_counter() - began
    study = folder / "studies" / name
    if done.returncode:
        return f"NO MODEL (exit code {done.returncode}, {seconds:.0f} s): {done.stderr.strip().splitlines()[-1]}"
    with (study / "trials.csv").open(newline="") as file:
        trials = list(csv.DictReader(file))
    best = json.loads((study / "test.json").read_text())["best_model"]
    plan = next(line.split(": ", 1)[1].split("; change")[0] for line in done.stderr.splitlines() if "; change" in line)
    complete = sum(trial["state"] == "complete" for trial in trials)
    return (
        f"validation {best['score']:.3f}  test {best['test_scores'][best['metric']]:.3f}  {len(trials):3} trials "
        f"({complete} complete)  {seconds:.0f} s  {plan}"
    )


if __name__ == "__main__":
    main()
