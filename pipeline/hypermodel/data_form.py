"""The form in which a model of a HyperModel takes images and labels, and what its outputs mean. In workers."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from pipeline.data import Dataset
from pipeline.data.decode import Shape
from pipeline.hypermodel.source import UntrainableError
from pipeline.hypermodel.user_model import loss_name, loss_of
from pipeline.training.keras_model import as_probabilities
from pipeline.training.pixel_form import AUTO, PIXEL_RANGES, PixelForm, UnclearPixelsError
from pipeline.training.pixel_range import choose_pixels


class Labels(Enum):
    """The labels that a loss takes."""

    NUMBERS = "class numbers (n,)"
    ONE_HOT = "one-hot (n, classes)"
    BINARY = "0 or 1, for the one output of a model of two classes"


@dataclass(frozen=True)
class DataForm:
    """The form in which a model takes its data.

    Images are float32, their pixels divided by ``divisor``. ``logits`` says of a model with BINARY labels that its
    output becomes a probability only by a sigmoid.
    """

    divisor: float
    labels: Labels
    classes: int
    logits: bool = False

    def form_images(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Pixels as the model takes them."""
        return pixels.astype(np.float32) / np.float32(self.divisor)

    def form_labels(self, one_hot: NDArray[np.float32]) -> NDArray[Any]:
        """The labels of a batch; BINARY ones as (n, 1), the shape of the outputs."""
        match self.labels:
            case Labels.ONE_HOT:
                return one_hot
            case Labels.BINARY:
                return one_hot[:, 1:]
            case _:
                return np.asarray(one_hot.argmax(axis=1))

    def arrays(self, data: Dataset, rows: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[Any]]:
        """The images and labels of these rows as people have them: class numbers are int64 (n,), BINARY ones too."""
        labels: NDArray[Any] = np.asarray(data.labels[rows])
        if self.labels is Labels.ONE_HOT:
            labels = np.eye(self.classes, dtype=np.float32)[labels]
        return self.form_images(data.images[rows]), labels

    def probabilities(self, outputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """The probability of each class, (n, classes)."""
        if self.labels is not Labels.BINARY:
            return as_probabilities(outputs)
        second = outputs.reshape(-1, 1)
        if self.logits:
            second = np.asarray(keras.ops.convert_to_numpy(keras.ops.sigmoid(second)))
        return np.concatenate([1 - second, second], axis=1)


def pixel_form(model: Any, shape: Shape, pixels: str = AUTO) -> PixelForm:
    """See ``choose_pixels``; UntrainableError if the range is not clear."""
    try:
        return choose_pixels(model, shape, pixels)
    except UnclearPixelsError as error:
        advice = f"give --pixels {' or --pixels '.join(PIXEL_RANGES)}"
        raise UntrainableError(f"{error}; {advice}", "pixels not clear") from None


def data_form(model: Any, data: Dataset, pixels: str = AUTO) -> DataForm:
    """The form for a compiled model; UntrainableError if its pixels' range is not clear."""
    classes = len(data.classes)
    divisor = pixel_form(model, data.shape, pixels).divisor
    if model.outputs[0].shape[-1] == 1:
        return DataForm(divisor, Labels.BINARY, classes, "logits" in loss_name(model) or _from_logits(model))
    return DataForm(divisor, Labels.NUMBERS if _takes_numbers(model, classes) else Labels.ONE_HOT, classes)


def _from_logits(model: Any) -> bool:
    return bool(getattr(loss_of(model), "from_logits", False))


def _takes_numbers(model: Any, classes: int) -> bool:
    """Whether the loss takes class numbers, as Keras's sparse ones do; a function of the user's is tried."""
    if "sparse" in loss_name(model):
        return True
    loss = loss_of(model)
    if isinstance(loss, str) or getattr(loss, "__module__", "keras").startswith("keras"):
        return False
    try:
        loss(np.eye(classes, dtype=np.float32), keras.ops.softmax(np.eye(classes, dtype=np.float32)))
    except Exception:
        return True
    return False


class FormedBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of pixels and one-hot labels, in the form that a model takes; weights of images stay as they are."""

    def __init__(self, batches: keras.utils.PyDataset, form: DataForm) -> None:
        super().__init__()
        self._batches, self._form = batches, form

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, position: int) -> tuple[NDArray[Any], ...]:
        pixels, one_hot, *weights = self._batches[position]
        return self._form.form_images(pixels), self._form.form_labels(one_hot), *weights

    def on_epoch_end(self) -> None:
        """Called by Keras; draws the order of the next epoch."""
        self._batches.on_epoch_end()
