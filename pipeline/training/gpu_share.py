"""Caps the memory that this worker takes of a GPU which it shares with others."""

import os

import keras

from pipeline.executors.devices import GPU_MASK
from pipeline.executors.gpu_memory import GPU_SHARE, memory_of


def cap_gpu_memory() -> None:
    """Keeps this process below its share of its GPU; nothing happens where it has the GPU for itself, or has none.

    It must be called before the backend first uses the GPU. JAX has read its share from the environment. TensorFlow
    takes a number of bytes, so nothing caps it where ``nvidia-smi`` does not tell how many there are.
    """
    share = float(os.environ.get(GPU_SHARE) or 0)
    if not share:
        return
    if keras.backend.backend() == "torch":
        import torch

        if torch.cuda.is_available():
            torch.cuda.set_per_process_memory_fraction(share)
    elif keras.backend.backend() == "tensorflow":
        _cap_tensorflow(share)


def _cap_tensorflow(share: float) -> None:
    import tensorflow as tf

    total = memory_of(os.environ.get(GPU_MASK, "0").split(",")[0])
    for gpu in tf.config.list_physical_devices("GPU")[:1]:
        if total is not None:
            limit = tf.config.LogicalDeviceConfiguration(memory_limit=int(total * share) >> 20)
            tf.config.set_logical_device_configuration(gpu, [limit])
