"""What caps the memory of a GPU; torch and the GPUs of TensorFlow are stand-ins, since most machines have neither."""

import sys
from types import SimpleNamespace

import keras
import pytest
import tensorflow as tf

from pipeline.training import gpu_share
from pipeline.training.gpu_share import cap_gpu_memory


@pytest.fixture
def asked(monkeypatch):
    """What the backends are asked for; the worker has a quarter of GPU 2, which has 1,000 MiB."""
    monkeypatch.setenv("CONVTUNE_GPU_SHARE", "0.25")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2")
    monkeypatch.setattr(gpu_share, "memory_of", {"2": 1000 << 20}.get)
    calls = []
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [f"the {kind}"])
    monkeypatch.setattr(tf.config, "set_logical_device_configuration", lambda *call: calls.append(call))
    cuda = SimpleNamespace(is_available=lambda: True, set_per_process_memory_fraction=calls.append)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    return calls


def test_tensorflow_is_given_a_number_of_bytes(asked):
    cap_gpu_memory()
    [(gpu, [limit])] = asked
    assert (gpu, limit.memory_limit) == ("the GPU", 250)


def test_torch_is_given_the_share_and_jax_has_read_it(asked, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    cap_gpu_memory()
    assert asked == [0.25]
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    cap_gpu_memory()
    assert asked == [0.25]


def test_nothing_is_capped_without_a_share_or_a_known_size(asked, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-x")
    cap_gpu_memory()
    monkeypatch.delenv("CONVTUNE_GPU_SHARE")
    cap_gpu_memory()
    assert asked == []
