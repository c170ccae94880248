"""Measures how well a scaled-down point of each family learns in two epochs, on TensorFlow and on JAX.

    python bench/families.py [DATA] [--images 10000] [--epochs 2] [--backends tensorflow jax]

DATA is a folder of images by class, such as CIFAR-10's (default: mnist5k). At most ``--images`` of its training images
are used, evenly from every class. Each point is trained by one ``convtune tune`` from the command line. Prints the
best validation accuracy of the epochs, which by chance is one over the number of classes, and the trial's seconds.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from machine import machine

from pipeline.data import load

POINTS = {
    "alexnet": "alexnet-quarter",
    "vgg": "vgg11-eighth",
    "googlenet": "googlenet-eighth",
    "resnet": "resnet10-quarter",
    "resnext": "resnext14-quarter",
}
"""A point of each space; those of alexnet and resnext have grouped convolutions."""


def main() -> None:
    """Parses the arguments, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", default="mnist5k")
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--backends", nargs="+", default=["tensorflow", "jax"])
    args = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        subset(args.data, args.images, Path(folder) / "subset.npz")
        for backend in args.backends:
            for space, point in POINTS.items():
                trial = train(Path(folder), backend, space, point, args.epochs)
                print(
                    f"{backend:10}  {point:18}  accuracy {trial['score']:.3f}  {trial['seconds']:6.1f} s"
                    f"  {trial['parameters']:>9,} parameters  {trial['macs'] / 1e6:6.1f} M MACs",
                    flush=True,
                )


def subset(source: str, images: int, target: Path) -> None:
    """Writes evenly spaced training images and all validation images of ``source`` as an .npz file."""
    data = load(source, seed=0, fetch=no_network)
    chosen = data.train[np.argsort(data.labels[data.train], kind="stable")]
    images = min(images, len(chosen))
    chosen = chosen[np.arange(images) * len(chosen) // images]
    np.savez(
        target,
        x_train=data.images[chosen],
        y_train=data.labels[chosen],
        x_val=data.images[data.validation],
        y_val=data.labels[data.validation],
    )


def no_network(name: str, target: Path) -> None:
    """Refuses datasets that have to be downloaded."""
    raise SystemExit(f"{name}: expected a folder of images, mnist5k or digits")


def train(folder: Path, backend: str, space: str, point: str, epochs: int) -> dict[str, float]:
    """Trains ``point`` in a study of one trial; the trial as ``convtune trials --json`` prints it."""
    study = f"{backend}-{point}"
    flags = f"--space {space} --try {point} --trials 1 --epochs {epochs} --pruner none --seed 0 -q"
    run(["tune", "--data", "subset.npz", *flags.split(), "--study", study], folder, backend)
    (trial,) = json.loads(run(["trials", study, "--json"], folder, backend))
    return trial


def run(command: list[str], folder: Path, backend: str) -> str:
    """Runs ``convtune`` in ``folder`` and returns what it prints."""
    root = str(Path(__file__).resolve().parent.parent)
    environment = os.environ | {"PYTHONPATH": root, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-m", "pipeline", *command]
    return subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
