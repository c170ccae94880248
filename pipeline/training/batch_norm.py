"""Batch normalisation by TensorFlow's own operation on CPUs, where Keras makes it of a dozen small ones."""

from typing import Any

import keras

from pipeline.training.precision import detect_device


def normalisation_is_slow() -> bool:
    """Whether Keras's batch normalisation is slow with this backend on this device.

    On a CPU, TensorFlow runs each of its operations by itself, forwards and backwards: they took 5.8 of the 16 ms of
    a step of a network with 2 million MACs (measured, batch 64, 32x32). Other backends compile them into one.
    """
    return keras.backend.backend() == "tensorflow" and detect_device() == "cpu"


class FusedBatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]
    """``keras.layers.BatchNormalization`` of maps (n, height, width, channels), as one operation of TensorFlow.

    The weights, the moving averages and the result are the same up to rounding. Inputs of another rank are left to
    Keras. It is never saved: a saved model has Keras's own layer.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Called by Keras."""
        if len(inputs.shape) != 4:
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        learns = bool(training and self.trainable)
        empty = tf.zeros([0])
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=self.gamma,
            offset=self.beta,
            mean=empty if learns else self.moving_mean,
            variance=empty if learns else self.moving_variance,
            epsilon=self.epsilon,
            is_training=learns,
        )
        if learns:
            count = tf.cast(tf.size(inputs) // inputs.shape[-1], variance.dtype)
            self._move(self.moving_mean, mean)
            self._move(self.moving_variance, variance * (count - 1) / count)  # TensorFlow's is divided by count - 1
        return outputs

    def _move(self, average: Any, value: Any) -> None:
        average.assign(average * self.momentum + value * (1 - self.momentum))
