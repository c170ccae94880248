"""Grouped convolution that trains at a bearable speed where XLA's CPU kernels would have to do it."""

from typing import Any

import keras
import numpy as np
from keras import ops

from pipeline.training.precision import device

_MOST_PARTS = 4
"""Convolutions that one is made of: 8 or more cost more calls than they save work (measured)."""


def slow_groups() -> bool:
    """Whether the gradient of a grouped convolution needs help here.

    On a CPU, TensorFlow has no grouped convolution but XLA's, and JAX has nothing else. Its forward pass is bearable,
    its gradient is not: 1.2 to 2.3 s for 128 channels in 32 groups on 8x8 maps, batch 32, against 7 to 20 ms for
    ``GroupedConv2D`` (measured, 2 cores).
    """
    return keras.backend.backend() in ("tensorflow", "jax") and device() == "cpu"


class GroupedConv2D(keras.layers.Conv2D):  # type: ignore[misc]
    """``keras.layers.Conv2D`` of several groups, computed by up to 4 ordinary convolutions; channels come last.

    The weights are the same, and so is the result up to rounding. Where there are more than 4 groups, neighbours share
    a convolution whose kernel is 0 between them. For training only: a model that is saved has Keras's own layer.
    """

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """What ``Conv2D`` calls to convolve."""
        parts = max(part for part in range(1, _MOST_PARTS + 1) if self.groups % part == 0)
        pairs = zip(ops.split(inputs, parts, axis=-1), ops.split(kernel, parts, axis=-1), strict=True)
        outputs = [super(GroupedConv2D, self).convolution_op(x, _joined(k, self.groups // parts)) for x, k in pairs]
        return ops.concatenate(outputs, axis=-1)


def _joined(kernel: Any, groups: int) -> Any:
    """The kernel of one group that does what this one (height, width, channels of a group, filters) does in several."""
    channels, filters = kernel.shape[2], kernel.shape[3] // groups
    of_input, of_output = np.repeat(np.arange(groups), channels), np.repeat(np.arange(groups), filters)
    same_group = ops.cast(of_input[:, None] == of_output, kernel.dtype)
    return ops.tile(kernel, (1, 1, groups, 1)) * same_group
