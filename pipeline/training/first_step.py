"""Creates what Keras would create in the first step of a training. In workers."""

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray


def create_state(model: Any, labels: NDArray[Any] | None = None) -> None:
    """Creates the variables of a compiled model's optimizer, and of its metrics if there are ``labels`` (1, ...).

    Under TensorFlow, Keras 3.15 leaves both to the first step, and a step that creates variables is traced again: of
    the 20 s that a HyperResNet takes for two batches, that is 9 (measured). Other backends do this themselves. A model
    with a ``compute_metrics`` of its own may need images there: its metrics are left to the first step.
    """
    if keras.backend.backend() != "tensorflow":
        return
    model.optimizer.build(model.trainable_variables)
    if labels is not None and type(model).compute_metrics is keras.Model.compute_metrics:
        outputs = model.outputs[0].shape[-1]
        model.compute_metrics(None, labels, np.full((1, outputs), 1 / outputs, np.float32))
        model.reset_metrics()
