"""Measures how fast this machine trains a typical network. For a worker: it imports Keras."""

import time

import keras
import numpy as np

from pipeline.architecture import Architecture
from pipeline.architecture.architecture_builder import ArchitectureBuilder
from pipeline.architecture.ops import Activation, BatchNorm, Conv, GlobalAveragePool, Pool
from pipeline.training.build import build_training_model
from pipeline.training.first_step import create_state
from pipeline.training.memory import forget_models
from pipeline.training.precision import choose_jit, choose_policy

_SIDE, _BATCH = 32, 64
_FILTERS = (32, 64, 128)

_WARM_UP_STEPS = 3
"""Steps before the measured ones; the first traces and compiles."""

_SECONDS = 1.0
"""For about this long, steps are measured."""

_GO_ON = 1.0
"""For so many seconds more, steps are made: workers that began later are to be measured while all compute."""

_MIN_STEPS = 4
"""The fewest steps that are measured."""


def measure_throughput(precision: str) -> float:
    """Multiply-accumulates per second of training: those of a forward pass of one image, times images per second.

    The network is one of medium size, with 10 million MACs at 32x32. ``precision`` is ``auto`` or a Keras dtype policy.
    The result counts the fastest step, since anything slower is the time that other processes took. It takes about 4 s
    on two cores (measured).
    """
    keras.config.set_dtype_policy(choose_policy(precision))
    architecture = build_network()
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (_BATCH, *architecture.input_shape), np.uint8)
    labels = np.eye(10, dtype=np.float32)[random.integers(0, 10, _BATCH)]
    with forget_models():
        model = build_training_model(architecture, scale=[1 / 128] * 3, offset=[-1.0] * 3)
        loss = keras.losses.CategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(1e-3), loss, jit_compile=choose_jit())
        create_state(model)
        for _ in range(_WARM_UP_STEPS):
            model.train_on_batch(images, labels)
        began, times = time.perf_counter(), list[float]()
        while len(times) < _MIN_STEPS or time.perf_counter() - began < _SECONDS:
            start = time.perf_counter()
            model.train_on_batch(images, labels)
            times.append(time.perf_counter() - start)
        until = time.perf_counter() + _GO_ON
        while time.perf_counter() < until:
            model.train_on_batch(images, labels)
    return architecture.macs * _BATCH / min(times)


def build_network() -> Architecture:
    """The network that is measured: three blocks of a convolution and a pool."""
    builder = ArchitectureBuilder((_SIDE, _SIDE, 3), 10)
    for number, filters in enumerate(_FILTERS, 1):
        builder.add(f"conv{number}", Conv(filters, 3, bias=False))
        builder.add(f"norm{number}", BatchNorm())
        builder.add(f"activation{number}", Activation("relu"))
        builder.add(f"pool{number}", Pool("max", 2, 2))
    builder.add("head", GlobalAveragePool())
    return builder.finish()
