"""Image files of every kind that people have: photographs of their own size, and pictures of more than 8 bits."""

from pathlib import Path

import numpy as np
from PIL import Image


def photograph(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Smooth light and colour with a fine texture, uint8 (height, width, 3), as a camera sees them."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0:width] / max(height, width)
    phases = random.uniform(0, 6, (3, 1, 1))
    smooth = 128 + 70 * np.sin(phases + 5 * rows) * np.cos(phases * 2 + 4 * columns)
    texture = 40 * np.sin(90 * columns + 55 * rows) + random.normal(0, 12, (3, height, width))
    return np.clip(smooth + texture, 0, 255).astype(np.uint8).transpose(1, 2, 0)


def save_jpegs(folder: Path) -> list[Path]:
    """Two photographs, one to be scaled down strongly by a small network."""
    files = []
    for height, width in ((480, 640), (80, 100)):
        files.append(folder / f"{width}x{height}.jpg")
        Image.fromarray(photograph(height, width)).save(files[-1], quality=90)
    return files


def save_deep(folder: Path, height: int, width: int) -> list[Path]:
    """Pictures of 8 bits, of 12 bits in 16, of 16 bits, and of floats up to 1, a little above 1, 255 and 1000."""
    share = photograph(height, width)[:, :, 0] / 255
    share[0, :2] = 0, 1
    integers = {"8": (255, np.uint8), "12": (4095, np.uint16), "16": (65535, np.uint16)}
    files = []
    for name, (white, kind) in integers.items():
        files.append(folder / f"{name}.png")
        Image.fromarray((share * white).astype(kind)).save(files[-1])
    for highest in (1, 1.04, 255, 1000):
        files.append(folder / f"float{highest}.tif")
        Image.fromarray((share * highest).astype(np.float32)).save(files[-1])
    return files
