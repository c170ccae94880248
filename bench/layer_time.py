"""Measures what each layer of a network takes in a training step: what holds small networks back.

    python bench/layer_time.py [--network 2] [--keep]

Takes a network of ``matrix_rate.py`` (2, 20 or 200 million MACs at 32x32), runs each of its layers alone, forward and
backward, on batches of 64 random images, with TensorFlow in one thread. Prints milliseconds, the share of all layers,
and for convolutions the operations a second (6 per MAC and image; 4 for the first, whose images need no gradient)
beside those of a product of large matrices. ``--keep`` writes bench/results/layer_time.json.
"""

import argparse
import os
import statistics
import time
from collections import defaultdict
from typing import Any

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}  # read at the import

import numpy as np
import tensorflow as tf
from machine import keep, machine
from matrix_rate import CLASSES, COMMON, FLOPS_PER_MAC, NETWORKS, matrix_rate

from pipeline.architecture import FAMILIES
from pipeline.training.build import build_training_model

BATCH, SECONDS = 64, 1.0


def main() -> None:
    """Parses the arguments, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", type=int, choices=NETWORKS, default=2)
    parser.add_argument("--keep", action="store_true", help="write results/layer_time.json")
    args = parser.parse_args()
    print(machine())
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    rate = matrix_rate()
    architecture = FAMILIES["plain"].build(COMMON | NETWORKS[args.network], (32, 32, 3), CLASSES)
    macs = {layer.name: layer.macs for layer in architecture.layers}
    model = build_training_model(architecture, scale=[1 / 128] * 3, offset=[-1.0] * 3)
    times = {layer.name: step_seconds(layer) for layer in model.layers[1:]}
    kinds: defaultdict[str, float] = defaultdict(float)
    print(f"one thread; a product of large matrices: {rate / 1e9:.0f} GFLOP/s")
    for layer in model.layers[1:]:
        name, seconds = layer.name, times[layer.name]
        kinds[type(layer).__name__] += seconds / sum(times.values())
        speed = ""
        if "Conv" in type(layer).__name__:
            operations = (4 if layer.input.shape[-1] == 3 else FLOPS_PER_MAC) * macs[name] * BATCH
            speed = f"{operations / seconds / 1e9:7.1f} GFLOP/s"
        print(f"{name:16} {seconds * 1e3:7.2f} ms {seconds / sum(times.values()):5.0%} {speed}")
    print(", ".join(f"{kind} {share:.0%}" for kind, share in kinds.items()))
    if args.keep:
        milliseconds = {name: seconds * 1e3 for name, seconds in times.items()}
        keep({"flops": rate, "milliseconds": milliseconds, "shares": dict(kinds)})


def step_seconds(layer: Any) -> float:
    """The median seconds of a layer's forward and backward pass; the image itself needs no gradient."""
    random = np.random.default_rng(0)
    first = layer.input.shape[-1] == 3
    inputs = tf.constant(random.normal(size=(BATCH, *layer.input.shape[1:])).astype(layer.input.dtype))
    gradient = tf.constant(random.normal(size=(BATCH, *layer.output.shape[1:])).astype(np.float32))

    @tf.function  # type: ignore[untyped-decorator]
    def step() -> Any:
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            output = layer(inputs, training=True)
        wanted = layer.trainable_variables + ([] if first else [inputs])
        return output, tape.gradient(output, wanted, output_gradients=gradient) if wanted else ()

    step()
    seconds: list[float] = []
    while sum(seconds) < SECONDS:
        began = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


if __name__ == "__main__":
    main()
