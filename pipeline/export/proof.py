"""The proof of an exported file: what the model gives for many kinds of input, and whether the file gives the same."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.arrays import Images, Probabilities
from pipeline.data.decode import silence_pillow
from pipeline.export.export_format import ExportFormat
from pipeline.export.read_image import read_image
from pipeline.export.samples import Samples
from pipeline.study.model_metadata import ModelMetadata

BATCH = 32
"""How many images a file gets at once, and how many in each type of pixel but the first."""

Predict = Callable[[Any], Probabilities]
Answers = tuple[Probabilities, Probabilities]
"""Probabilities (n, classes) of a file and of the model, for the same images."""


@dataclass(frozen=True, eq=False)
class Proof:
    """The inputs of a proof, and the probabilities that the model gives for them.

    ``images`` are those of the samples. ``others`` reads a batch of images of another size each time it is called:
    each file of the samples, and images of random pixels, larger than the network's and of another shape.
    """

    images: Images
    expected: Probabilities
    others: Sequence[tuple[Callable[[], Images], Probabilities]]

    def run(self, export_format: ExportFormat, predict: Predict) -> Iterator[Answers]:
        """The answers for every kind of input that the format promises to take, those for the samples first."""
        first, *other_types = export_format.pixel_types
        yield predict_in_batches(predict, self.images.astype(first)), self.expected
        few, expected = self.images[:BATCH], self.expected[:BATCH]
        for pixel_type in other_types:
            yield predict(few.astype(pixel_type)), expected
        known = ((few > 0) & (few < 255)).any(axis=(1, 2, 3))  # black and white alone are no fractions of 1
        if export_format.takes_fractions and known.any():
            yield predict(few[known] / np.float32(255)), expected[known]
        if export_format.any_size:
            for read, of_model in self.others:
                yield predict(read().astype(first)), of_model


def prepare(model: Predict, samples: Samples, metadata: ModelMetadata) -> Proof:
    """The proof by what ``model``, the function of the model as it was trained, gives for the ``samples``."""
    mode = "L" if metadata.shape[2] == 1 else "RGB"
    of_files = [partial(_read, file, mode, metadata.white) for file in samples.files]
    readers = [*of_files, partial(_make_up, metadata.shape)]
    expected = predict_in_batches(model, samples.images)
    return Proof(samples.images, expected, [(read, model(read())) for read in readers])


def predict_in_batches(predict: Predict, images: Images) -> Probabilities:
    """The probabilities of the images, 32 at once."""
    return np.concatenate([predict(images[start : start + BATCH]) for start in range(0, len(images), BATCH)])


def _read(file: Path, mode: str, white: int | None) -> Any:
    with silence_pillow():
        return read_image(file, mode, white)[None]


def _make_up(shape: tuple[int, int, int]) -> Any:
    height, width, channels = shape
    return np.random.default_rng(0).integers(0, 256, (3, 3 * height + 5, 2 * width + 3, channels), np.uint8)
