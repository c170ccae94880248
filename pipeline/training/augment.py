"""Changes to a batch of training images that leave the labels true. numpy only, so that every backend trains alike."""

import numpy as np
from numpy.typing import NDArray

from pipeline.recipe import Recipe

Images = NDArray[np.uint8]


def augment(images: Images, recipe: Recipe, random: np.random.Generator) -> Images:
    """The images, uint8 (n, height, width, channels), changed as the recipe asks, each at random.

    The given array is never changed; it is returned itself where the recipe asks for nothing."""
    if recipe.flip:
        images = flip(images, random)
    if recipe.shift > 0:
        images = shift(images, recipe.shift, random)
    if recipe.cutout > 0:
        images = cutout(images, recipe.cutout, random)
    return images


def flip(images: Images, random: np.random.Generator) -> Images:
    """Mirrors each image left to right with probability one half."""
    mirrored = random.random(len(images)) < 0.5
    return np.where(mirrored[:, None, None, None], images[:, :, ::-1], images)


def shift(images: Images, share: float, random: np.random.Generator) -> Images:
    """Moves each image by up to ``share`` of its height and width, in whole pixels; border pixels fill the gap.

    As the shifted crops of He et al. 2015, section 4.2 (4 of 32 pixels there, filled with zeros).
    """
    rows = _shifted_positions(len(images), images.shape[1], share, random)
    columns = _shifted_positions(len(images), images.shape[2], share, random)
    return images[np.arange(len(images))[:, None, None], rows[:, :, None], columns[:, None, :]]


def _shifted_positions(count: int, size: int, share: float, random: np.random.Generator) -> NDArray[np.int64]:
    reach = round(size * share)
    offsets = random.integers(-reach, reach + 1, size=(count, 1))
    positions: NDArray[np.int64] = np.clip(np.arange(size)[None, :] + offsets, 0, size - 1)
    return positions


def cutout(images: Images, share: float, random: np.random.Generator) -> Images:
    """Covers a square in each image with the mean colour of the batch.

    Its side is ``share`` of the shorter side of the image, and its centre lies anywhere, so that part of it may lie
    outside.

    DeVries & Taylor 2017, "Improved Regularization of Convolutional Neural Networks with Cutout".
    """
    side = round(min(images.shape[1:3]) * share)
    rows = _inside(len(images), images.shape[1], side, random)
    columns = _inside(len(images), images.shape[2], side, random)
    covered = rows[:, :, None, None] & columns[:, None, :, None]
    colour = images.mean(axis=(0, 1, 2)).round().astype(np.uint8)
    return np.where(covered, colour, images)


def _inside(count: int, size: int, side: int, random: np.random.Generator) -> NDArray[np.bool_]:
    start = random.integers(0, size, size=(count, 1)) - side // 2
    position = np.arange(size)[None, :]
    return (position >= start) & (position < start + side)
