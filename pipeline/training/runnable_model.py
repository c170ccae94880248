"""A model file of any format, and how it is run. Without Keras until it opens a ``.keras`` file."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.arrays import Images, Probabilities
from pipeline.errors import ModelError, first_line
from pipeline.garbage import no_collections
from pipeline.study.model_metadata import ModelMetadata, read_metadata

Predict = Callable[[Images], Probabilities]


def load_keras(file: Path) -> Predict:
    """Opens a ``.keras`` file with Keras alone.

    ``predict_on_batch`` is compiled too, and takes 2 ms for an image and a small network; ``predict`` takes 44 ms, most
    of them to prepare its loop over batches (measured, TensorFlow on 2 cores).
    """
    from pipeline.training.save import load

    model = load(file)
    return lambda images: np.asarray(model.predict_on_batch(images), np.float32)


@dataclass(frozen=True)
class RunnableModel:
    """The model in ``file``. It can be sent to a worker, which opens it there.

    ``load`` opens it in its own runtime; it is a function at the top of a module. ``given_metadata`` is None for a
    ``.keras`` file, which has it inside.
    """

    file: Path
    load: Callable[[Path], Predict] = load_keras
    given_metadata: ModelMetadata | None = None

    @property
    def metadata(self) -> ModelMetadata:
        """The metadata; ModelError for a ``.keras`` file without."""
        return self.given_metadata or read_metadata(self.file)

    def open(self) -> Predict:
        """Loads the model. Returns its function from images, at least one, to their probabilities.

        ModelError when the file cannot be loaded, when the model does not take the images, or when it gives anything
        but a number for each class of the metadata: a file from elsewhere may have wrong metadata or damaged weights.
        """
        classes = len(self.metadata.classes)
        try:
            with no_collections():  # it imports a runtime; TensorFlow takes 0.6 s less so (measured)
                predict = self.load(self.file)
        except ModelError:
            raise
        except Exception as error:  # runtimes raise anything on a file that they cannot read
            raise ModelError(f"{self.file}: this model cannot be loaded: {first_line(error)}") from None
        return lambda images: self._check(predict, images, classes)

    def _check(self, predict: Predict, images: Images, classes: int) -> Probabilities:
        try:
            probabilities = np.asarray(predict(images), np.float32)
        except Exception as error:  # again: anything
            raise ModelError(f"{self.file}: the model does not take these images: {first_line(error)}") from None
        if probabilities.shape != (len(images), classes):
            raise ModelError(
                f"{self.file}: expected a model with {classes} outputs, one per class of its metadata,"
                f" got outputs of shape {('images', *probabilities.shape[1:])}"
            )
        if not np.isfinite(probabilities).all():
            raise ModelError(f"{self.file}: expected probabilities, but the model gives NaN; its weights are damaged")
        return probabilities
