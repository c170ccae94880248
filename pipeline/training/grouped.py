"""A grouped convolution for TensorFlow and JAX on a CPU, where the only one, that of XLA, trains too slowly."""

from typing import Any

import keras
import numpy as np
from keras import ops

from pipeline.training.precision import detect_device

_MOST_PARTS = 4
"""The most parts into which a grouped convolution is split: calling 8 costs more than it saves (measured)."""


def groups_are_slow() -> bool:
    """Whether the gradient of a grouped convolution is slow with this backend on this device.

    On a CPU, TensorFlow and JAX have only XLA's grouped convolution. Its forward pass is fast enough, its gradient is
    not: it takes 1.2 to 2.3 s for 128 channels in 32 groups on 8x8 maps with a batch of 32, against 7 to 20 ms with
    ``GroupedConv2D`` (measured, 2 cores).
    """
    return keras.backend.backend() in ("tensorflow", "jax") and detect_device() == "cpu"


class GroupedConv2D(keras.layers.Conv2D):  # type: ignore[misc]
    """``keras.layers.Conv2D`` of several groups, computed by up to 4 ordinary convolutions; channels come last.

    The weights are the same, and so is the result up to rounding. With more than 4 groups, neighbouring groups share a
    convolution whose kernel is 0 between them. It is never saved: a saved model has Keras's own layer.
    """

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """Called by ``Conv2D``."""
        parts = max(part for part in range(1, _MOST_PARTS + 1) if self.groups % part == 0)
        pairs = zip(ops.split(inputs, parts, axis=-1), ops.split(kernel, parts, axis=-1), strict=True)
        outputs = [
            super(GroupedConv2D, self).convolution_op(x, _join_groups(k, self.groups // parts)) for x, k in pairs
        ]
        return ops.concatenate(outputs, axis=-1)


def _join_groups(kernel: Any, groups: int) -> Any:
    """The kernel of the ordinary convolution that computes the same as a grouped one with ``kernel``.

    ``kernel`` is (height, width, channels per group, filters), the returned one (height, width, channels, filters).
    """
    channels, filters = kernel.shape[2], kernel.shape[3] // groups
    of_input, of_output = np.repeat(np.arange(groups), channels), np.repeat(np.arange(groups), filters)
    same_group = ops.cast(of_input[:, None] == of_output, kernel.dtype)
    return ops.tile(kernel, (1, 1, groups, 1)) * same_group
