"""Measures what forward passes take on this machine, and fits what predicts it. For a worker: it imports Keras."""

import time

import keras
import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LinearRegression

from pipeline.architecture import Architecture
from pipeline.architecture.latency import FEATURES, LatencyModel, features
from pipeline.architecture.layer import INPUT
from pipeline.architecture.network import Network
from pipeline.architecture.op import Op
from pipeline.architecture.ops import Activation, BatchNorm, Concat, Conv, Dense, Flatten, GlobalAveragePool, Pool
from pipeline.training.build import build_served
from pipeline.training.memory import forgetting
from pipeline.training.precision import device

_WARM_UP, _FEWEST, _MOST = 3, 7, 100
"""Calls before the measured ones (the first traces and compiles), and how many are measured."""
_SECONDS = 0.15
"""After this long a network has been measured often enough."""

_NORMAL = (BatchNorm(), Activation("relu"))
_POOL = Pool("max", 2, 2)
_STACKS: tuple[tuple[tuple[int, int, int], tuple[Op, ...]], ...] = (
    ((28, 28, 1), (Conv(8, 3, 2),)),
    ((28, 28, 1), (Conv(32, 3), *_NORMAL, _POOL, Conv(32, 3), *_NORMAL, _POOL, Flatten(), Dense(128))),
    ((8, 8, 8), (Conv(8, 3), *_NORMAL) * 12),
    ((28, 28, 32), (Conv(32, 3), *_NORMAL) * 3),
    ((56, 56, 64), (Conv(64, 3),) * 2),
    ((14, 14, 256), (Conv(256, 3),) * 2),
    ((7, 7, 512), (Conv(512, 3),) * 2),
    ((56, 56, 64), (Conv(256, 1), Conv(64, 1))),
    ((14, 14, 512), (Conv(512, 1),) * 2),
    ((112, 112, 3), (Conv(64, 7, 2), Activation("relu"), Pool("max", 3, 2))),
    ((224, 224, 3), (Conv(32, 3), *_NORMAL, _POOL)),
    ((56, 56, 64), _NORMAL * 4),
    ((8, 8, 32), (Flatten(), Dense(2048), Dense(2048))),
    ((28, 28, 128), (Conv(128, 3, groups=32),) * 2),
    ((14, 14, 256), (Conv(256, 3, groups=2),) * 2),
    ((14, 14, 512), (Conv(512, 3, groups=32),) * 2),
    ((28, 28, 64), (Conv(64, 3, groups=64),) * 2),
    ((4, 4, 1024), (Conv(1024, 3, groups=32),) * 2),
    ((8, 8, 16), (Conv(16, 3, groups=4),) * 6),
)
"""What networks of the calibration take and do. Each stresses few features, and none takes long to compile."""


def calibrate() -> LatencyModel:
    """Measures ``networks`` and fits the weights."""
    made = networks()
    measured = np.array([measure(architecture) for architecture in made])
    rows = np.array([[features(architecture)[name] for name in FEATURES] for architecture in made])
    weights = fit(rows, measured).tolist()
    return LatencyModel(dict(zip(FEATURES, weights, strict=True)), device(), keras.backend.backend())


def networks() -> list[Architecture]:
    """What is measured."""
    return [_stack(shape, ops) for shape, ops in _STACKS] + [_branches()]


def _stack(shape: tuple[int, int, int], ops: tuple[Op, ...]) -> Architecture:
    network = Network(shape, 10)
    for number, op in enumerate(ops, start=1):
        network.add(f"op{number}", op)
    if Flatten() not in ops:
        network.add("head", GlobalAveragePool())
    return network.finish()


def _branches() -> Architecture:
    """Narrow layers side by side, which a backend may run at once."""
    network = Network((16, 16, 32), 10)
    last = INPUT
    for module in range(3):
        branches = []
        for branch, (filters, kernel) in enumerate(((16, 1), (24, 3), (8, 5), (8, 1))):
            name = f"module{module}_branch{branch}"
            network.add(name, Conv(filters, kernel), last)
            network.add(f"{name}_norm", BatchNorm())
            branches.append(network.add(f"{name}_activation", Activation("relu")))
        last = network.add(f"module{module}", Concat(), *branches)
    network.add("head", GlobalAveragePool())
    return network.finish()


def measure(architecture: Architecture) -> float:
    """Milliseconds that Keras's compiled predict function takes for one image: the model that users get, without files.

    The least of repeated calls, as the documentation of ``timeit`` advises: what is above it is what other processes
    took. At float32, as models are saved, on CPU with the threads of this worker.
    """
    keras.config.set_dtype_policy("float32")
    channels = architecture.input_shape[2]
    image = np.random.default_rng(0).integers(0, 256, (1, *architecture.input_shape), np.uint8)
    with forgetting():
        model = build_served(architecture, scale=[1 / 128] * channels, offset=[-1.0] * channels)
        for _ in range(_WARM_UP):
            model.predict_on_batch(image)
        began, times = time.perf_counter(), list[float]()
        while len(times) < _FEWEST or (len(times) < _MOST and time.perf_counter() - began < _SECONDS):
            start = time.perf_counter()
            model.predict_on_batch(image)
            times.append(time.perf_counter() - start)
    return 1000 * min(times)


def fit(rows: NDArray[np.float64], measured: NDArray[np.float64]) -> NDArray[np.float64]:
    """The weight of 0 or more of each column of ``rows`` (networks, features) whose sums come closest to ``measured``.

    Closest in shares, since times span decades: 10 % off count alike at 1 ms and at 100 ms. A feature that is 0 in all
    rows has the weight 0.
    """
    scale = np.maximum(rows.max(axis=0), 1.0)  # counts of layers and of multiply-accumulates, side by side
    shares = rows / scale / measured[:, None]
    found = LinearRegression(fit_intercept=False, positive=True).fit(shares, np.ones(len(rows)))
    weights: NDArray[np.float64] = found.coef_ / scale
    return weights
