"""Measures how long forward passes take on this machine and fits the latency model. For a worker: it imports Keras."""

import time

import keras
import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LinearRegression

from pipeline.architecture import Architecture
from pipeline.architecture.architecture_builder import ArchitectureBuilder
from pipeline.architecture.layer import INPUT
from pipeline.architecture.op import Op
from pipeline.architecture.ops import Activation, BatchNorm, Concat, Conv, Dense, Flatten, GlobalAveragePool, Pool
from pipeline.executors import Progress
from pipeline.latency.model import FEATURES, LatencyModel, count_features
from pipeline.training.build import build_inference_model
from pipeline.training.memory import forget_models
from pipeline.training.precision import detect_device

_WARM_UP_CALLS = 3
"""Calls before the measured ones; the first traces and compiles."""

_MIN_CALLS = 7
"""The fewest calls that are measured."""

_MAX_CALLS = 100
"""The most calls that are measured."""

_SECONDS = 0.15
"""After this long no more calls are measured, once there are ``_MIN_CALLS``."""

_NORM_AND_RELU = (BatchNorm(), Activation("relu"))
_POOL = Pool("max", 2, 2)
_STACKS: tuple[tuple[tuple[int, int, int], tuple[Op, ...]], ...] = (
    ((28, 28, 1), (Conv(8, 3, 2),)),
    ((28, 28, 1), (Conv(32, 3), *_NORM_AND_RELU, _POOL, Conv(32, 3), *_NORM_AND_RELU, _POOL, Flatten(), Dense(128))),
    ((8, 8, 8), (Conv(8, 3), *_NORM_AND_RELU) * 12),
    ((28, 28, 32), (Conv(32, 3), *_NORM_AND_RELU) * 3),
    ((56, 56, 64), (Conv(64, 3),) * 2),
    ((14, 14, 256), (Conv(256, 3),) * 2),
    ((7, 7, 512), (Conv(512, 3),) * 2),
    ((56, 56, 64), (Conv(256, 1), Conv(64, 1))),
    ((14, 14, 512), (Conv(512, 1),) * 2),
    ((112, 112, 3), (Conv(64, 7, 2), Activation("relu"), Pool("max", 3, 2))),
    ((224, 224, 3), (Conv(32, 3), *_NORM_AND_RELU, _POOL)),
    ((56, 56, 64), _NORM_AND_RELU * 4),
    ((8, 8, 32), (Flatten(), Dense(2048), Dense(2048))),
    ((28, 28, 128), (Conv(128, 3, groups=32),) * 2),
    ((14, 14, 256), (Conv(256, 3, groups=2),) * 2),
    ((14, 14, 512), (Conv(512, 3, groups=32),) * 2),
    ((28, 28, 64), (Conv(64, 3, groups=64),) * 2),
    ((4, 4, 1024), (Conv(1024, 3, groups=32),) * 2),
    ((8, 8, 16), (Conv(16, 3, groups=4),) * 6),
)
"""Input shape and ops of each network measured. Each stresses few features, and none takes long to compile."""


def calibrate(progress: Progress = lambda done, total: None) -> LatencyModel:
    """Measures the networks of ``build_networks`` and fits the weights of the latency model to the times.

    ``progress(done, total)`` is called before each network.
    """
    architectures = build_networks()
    times = []
    for number, architecture in enumerate(architectures):
        progress(number, len(architectures))
        times.append(measure_latency(architecture))
    milliseconds = np.array(times)
    counts = [count_features(architecture) for architecture in architectures]
    rows = np.array([[count[name] for name in FEATURES] for count in counts])
    weights = fit_weights(rows, milliseconds).tolist()
    return LatencyModel(dict(zip(FEATURES, weights, strict=True)), detect_device(), keras.backend.backend())


def build_networks() -> list[Architecture]:
    """The small networks that a calibration measures."""
    return [_build_stack(shape, ops) for shape, ops in _STACKS] + [_build_branches()]


def _build_stack(shape: tuple[int, int, int], ops: tuple[Op, ...]) -> Architecture:
    builder = ArchitectureBuilder(shape, 10)
    for number, op in enumerate(ops, start=1):
        builder.add(f"op{number}", op)
    if Flatten() not in ops:
        builder.add("head", GlobalAveragePool())
    return builder.finish()


def _build_branches() -> Architecture:
    """A network of narrow layers side by side, which a backend may run at once."""
    builder = ArchitectureBuilder((16, 16, 32), 10)
    last = INPUT
    for module in range(3):
        branches = []
        for branch, (filters, kernel) in enumerate(((16, 1), (24, 3), (8, 5), (8, 1))):
            name = f"module{module}_branch{branch}"
            builder.add(name, Conv(filters, kernel), last)
            builder.add(f"{name}_norm", BatchNorm())
            branches.append(builder.add(f"{name}_activation", Activation("relu")))
        last = builder.add(f"module{module}", Concat(), *branches)
    builder.add("head", GlobalAveragePool())
    return builder.finish()


def measure_latency(architecture: Architecture) -> float:
    """Milliseconds that Keras's compiled predict function takes for one image, on the model that users get.

    The result is the least of repeated calls, as the documentation of ``timeit`` advises: anything above it is the
    time that other processes took. The model is at float32, as models are saved; on CPU it uses this worker's threads.
    """
    keras.config.set_dtype_policy("float32")
    channels = architecture.input_shape[2]
    image = np.random.default_rng(0).integers(0, 256, (1, *architecture.input_shape), np.uint8)
    with forget_models():
        model = build_inference_model(architecture, scale=[1 / 128] * channels, offset=[-1.0] * channels)
        for _ in range(_WARM_UP_CALLS):
            model.predict_on_batch(image)
        began, times = time.perf_counter(), list[float]()
        while len(times) < _MIN_CALLS or (len(times) < _MAX_CALLS and time.perf_counter() - began < _SECONDS):
            start = time.perf_counter()
            model.predict_on_batch(image)
            times.append(time.perf_counter() - start)
    return 1000 * min(times)


def fit_weights(rows: NDArray[np.float64], milliseconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """The weights, each 0 or more, whose weighted sums of ``rows`` come closest to ``milliseconds``.

    ``rows`` is (networks, features) and the result (features,). Errors count relative to the time, since times span
    decades: 10 % off counts alike at 1 ms and at 100 ms. A feature that is 0 in all rows has the weight 0.
    """
    scale = np.maximum(rows.max(axis=0), 1.0)  # counts of layers and of multiply-accumulates, side by side
    relative = rows / scale / milliseconds[:, None]
    regression = LinearRegression(fit_intercept=False, positive=True).fit(relative, np.ones(len(rows)))
    weights: NDArray[np.float64] = regression.coef_ / scale
    return weights
