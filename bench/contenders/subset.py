"""The images that every contender gets: some of each class of an image folder, as one .npz file."""

from pathlib import Path

import numpy as np
from PIL import Image

SPLITS = {"train": ("train", 0.0, 1.0), "val": ("train", 1.0, 1.25), "test": ("test", 0.0, 0.25)}
"""For each split the folder, and the first and last of its files of a class, in shares of the training images."""


def write_subset(folder: Path, images: int, target: Path) -> None:
    """Writes ``images`` for training, and a quarter as many each to validate and to test, evenly from every class.

    ``folder`` has train/<class> and test/<class>. The files are taken in order of their names, then shuffled.
    """
    classes = sorted(path.name for path in (folder / "train").iterdir() if path.is_dir())
    per_class = images // len(classes)
    arrays = {"classes": np.array(classes)}
    for split, (place, first, last) in SPLITS.items():
        rows = slice(int(first * per_class), int(last * per_class))
        files = [sorted((folder / place / name).iterdir())[rows] for name in classes]
        pixels = np.stack([np.asarray(Image.open(file).convert("RGB")) for of_class in files for file in of_class])
        labels = np.repeat(np.arange(len(classes)), [len(of_class) for of_class in files])
        order = np.random.default_rng(0).permutation(len(labels))
        arrays |= {f"x_{split}": pixels[order], f"y_{split}": labels[order]}
    np.savez(target, **arrays)
