"""Changes to a batch of training images that leave the label true. numpy only, so every backend trains alike."""

import numpy as np
from numpy.typing import NDArray

from pipeline.recipe import Recipe

Images = NDArray[np.uint8]


def augment(images: Images, recipe: Recipe, random: np.random.Generator) -> Images:
    """A changed copy of ``images`` uint8 (n, height, width, channels) as the recipe asks; drawn for each image."""
    if recipe.flip:
        images = flip(images, random)
    if recipe.shift > 0:
        images = shift(images, recipe.shift, random)
    if recipe.cutout > 0:
        images = cutout(images, recipe.cutout, random)
    return images


def flip(images: Images, random: np.random.Generator) -> Images:
    """Mirrors each image left to right with probability one half."""
    chosen = random.random(len(images)) < 0.5
    return np.where(chosen[:, None, None, None], images[:, :, ::-1], images)


def shift(images: Images, share: float, random: np.random.Generator) -> Images:
    """Moves each image by up to ``share`` of its height and width, whole pixels; the border pixels fill the gap.

    The shifted crop of He et al. 2015, section 4.2 (there 4 pixels of 32, filled with zeros).
    """
    rows = _moved(len(images), images.shape[1], share, random)
    columns = _moved(len(images), images.shape[2], share, random)
    return images[np.arange(len(images))[:, None, None], rows[:, :, None], columns[:, None, :]]


def _moved(count: int, size: int, share: float, random: np.random.Generator) -> NDArray[np.int64]:
    reach = round(size * share)
    offsets = random.integers(-reach, reach + 1, size=(count, 1))
    moved: NDArray[np.int64] = np.clip(np.arange(size)[None, :] + offsets, 0, size - 1)
    return moved


def cutout(images: Images, share: float, random: np.random.Generator) -> Images:
    """Covers a square of ``share`` of the shorter side with the batch's mean colour; its centre lies anywhere.

    DeVries & Taylor 2017, "Improved Regularization of Convolutional Neural Networks with Cutout".
    """
    side = round(min(images.shape[1:3]) * share)
    rows = _within(len(images), images.shape[1], side, random)
    columns = _within(len(images), images.shape[2], side, random)
    covered = rows[:, :, None, None] & columns[:, None, :, None]
    colour = images.mean(axis=(0, 1, 2)).round().astype(np.uint8)
    return np.where(covered, colour, images)


def _within(count: int, size: int, side: int, random: np.random.Generator) -> NDArray[np.bool_]:
    start = random.integers(0, size, size=(count, 1)) - side // 2
    position = np.arange(size)[None, :]
    return (position >= start) & (position < start + side)
