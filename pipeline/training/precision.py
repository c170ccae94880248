"""The device that a worker trains on, and the precision and the compilation that suit it."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import keras


def detect_device() -> str:
    """``gpu`` or ``cpu``: the device that the Keras backend of this process uses."""
    if keras.backend.backend() == "torch":  # Keras 3.15 lists no devices for it
        import torch

        return "gpu" if torch.cuda.is_available() else "cpu"
    return "gpu" if any(name.startswith(("gpu", "cuda")) for name in keras.distribution.list_devices()) else "cpu"


def choose_policy(precision: str) -> str:
    """The Keras dtype policy for ``precision``, which is a policy itself or ``auto``.

    ``auto`` means mixed bfloat16 from compute capability 8 on (Ampere's tensor cores support it), mixed float16 from 7
    on (Volta), and float32 on older GPUs and on CPUs.
    """
    if precision != "auto":
        return precision
    capability = _compute_capability() if detect_device() == "gpu" else 0.0
    if capability >= 8:
        return "mixed_bfloat16"
    return "mixed_float16" if capability >= 7 else "float32"


def choose_jit() -> bool | str:
    """A value for Keras's ``jit_compile``.

    It is off for TensorFlow on a CPU, where XLA makes training 3 times slower (measured). JAX always compiles.
    """
    return False if keras.backend.backend() == "tensorflow" and detect_device() == "cpu" else "auto"


def _compute_capability() -> float:
    """The CUDA compute capability of the first GPU that this process may use, 0 if it is unknown."""
    card = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0].strip()
    query = ["nvidia-smi", f"--id={card}", "--query-gpu=compute_cap", "--format=csv,noheader"]
    try:
        return float(subprocess.run(query, capture_output=True, text=True, timeout=20, check=True).stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return 0.0


@contextmanager
def in_float32() -> Iterator[None]:
    """Layers that are made in the block compute in float32, whatever the policy before and after it."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(policy)
