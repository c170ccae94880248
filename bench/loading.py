"""Seconds to load an image folder, cold and warm: python bench/loading.py [FOLDER] (else 10,000 JPEGs made for it)"""

import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from machine import machine
from PIL import Image

from pipeline.data import Dataset, load

CLASSES, EACH, SIDE = 10, 1000, 32


def main(folder: str | None) -> None:
    """Loads the folder into an empty cache, then from it, and prints what each took."""
    with tempfile.TemporaryDirectory() as place:
        os.environ["CONVTUNE_CACHE"] = str(Path(place, "cache"))
        source = folder or str(generated(Path(place, "generated")))
        cold, dataset = timed(source)
        warm, _ = timed(source)
    print(f"{dataset.name}: {dataset.describe()}")
    print(f"machine: {machine()}")
    print(f"cold {cold:7.2f} s   {len(dataset.images) / cold:10,.0f} images/s")
    print(f"warm {warm:7.2f} s   {len(dataset.images) / warm:10,.0f} images/s")


def generated(folder: Path) -> Path:
    """A folder of JPEGs with blurred noise, which is about as hard to decode as small photographs are."""
    random = np.random.default_rng(0)
    for label in range(CLASSES):
        (folder / str(label)).mkdir(parents=True)
        for number in range(EACH):
            noise = Image.fromarray(random.integers(0, 256, (SIDE // 4, SIDE // 4, 3), np.uint8))
            noise.resize((SIDE, SIDE)).save(folder / str(label) / f"{number:04}.jpg")
    return folder


def timed(folder: str) -> tuple[float, Dataset]:
    """Seconds of one load, and the dataset."""
    begin = time.perf_counter()
    dataset = load(folder, fetch=no_network)
    return time.perf_counter() - begin, dataset


def no_network(name: str, folder: Path) -> None:
    """This measures folders only."""
    raise SystemExit(f"{name}: expected an image folder")


if __name__ == "__main__":
    if len(sys.argv) > 2:
        sys.exit(__doc__)
    main(sys.argv[1] if len(sys.argv) == 2 else None)
