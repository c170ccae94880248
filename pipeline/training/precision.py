"""Where a worker trains, and with how many bits."""

import os
import subprocess

import keras


def device() -> str:
    """``gpu`` or ``cpu``: what the Keras backend of this process runs on."""
    if keras.backend.backend() == "torch":  # Keras 3.15 lists no devices for it
        import torch

        return "gpu" if torch.cuda.is_available() else "cpu"
    return "gpu" if any(name.startswith(("gpu", "cuda")) for name in keras.distribution.list_devices()) else "cpu"


def policy(precision: str) -> str:
    """The Keras dtype policy that ``precision`` means here.

    ``auto`` is bfloat16 from compute capability 8 on (Ampere has it in its tensor cores), float16 from 7 on (Volta),
    and float32 below and on CPUs.
    """
    if precision != "auto":
        return precision
    capability = _capability() if device() == "gpu" else 0.0
    if capability >= 8:
        return "mixed_bfloat16"
    return "mixed_float16" if capability >= 7 else "float32"


def jit() -> bool | str:
    """Keras's ``jit_compile``; XLA on CPU makes TensorFlow train 3 times slower (measured), JAX always compiles."""
    return False if keras.backend.backend() == "tensorflow" and device() == "cpu" else "auto"


def _capability() -> float:
    """The CUDA compute capability of this process's own card, the first it may see; 0 where it cannot be told."""
    card = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0].strip()
    query = ["nvidia-smi", f"--id={card}", "--query-gpu=compute_cap", "--format=csv,noheader"]
    try:
        return float(subprocess.run(query, capture_output=True, text=True, timeout=20, check=True).stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return 0.0
