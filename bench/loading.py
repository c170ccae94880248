"""Measures how long an image folder takes to load, cold and warm.

    python bench/loading.py [FOLDER]

Without FOLDER, 10,000 JPEGs are generated.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from machine import machine
from PIL import Image

from pipeline.data import Dataset, load

CLASSES, IMAGES_PER_CLASS, SIDE = 10, 1000, 32


def main() -> None:
    """Loads the folder into an empty cache, then from the cache, and prints the seconds of each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", help="an image folder")
    folder = parser.parse_args().folder
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["CONVTUNE_CACHE"] = str(Path(temporary, "cache"))
        source = folder or str(generate(Path(temporary, "generated")))
        cold, dataset = time_load(source)
        warm, _ = time_load(source)
    print(f"{dataset.name}: {dataset.describe()}")
    print(f"machine: {machine()}")
    print(f"cold {cold:7.2f} s   {len(dataset.images) / cold:10,.0f} images/s")
    print(f"warm {warm:7.2f} s   {len(dataset.images) / warm:10,.0f} images/s")


def generate(folder: Path) -> Path:
    """Writes JPEGs of blurred noise, which are about as hard to decode as small photographs; returns the folder."""
    random = np.random.default_rng(0)
    for label in range(CLASSES):
        (folder / str(label)).mkdir(parents=True)
        for number in range(IMAGES_PER_CLASS):
            noise = Image.fromarray(random.integers(0, 256, (SIDE // 4, SIDE // 4, 3), np.uint8))
            noise.resize((SIDE, SIDE)).save(folder / str(label) / f"{number:04}.jpg")
    return folder


def time_load(folder: str) -> tuple[float, Dataset]:
    """Seconds of one load, and the dataset."""
    began = time.perf_counter()
    dataset = load(folder, fetch=no_network)
    return time.perf_counter() - began, dataset


def no_network(name: str, folder: Path) -> None:
    """Refuses datasets that are not folders."""
    raise SystemExit(f"{name}: expected an image folder")


if __name__ == "__main__":
    main()
