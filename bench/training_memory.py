"""Compares the memory of a training step that is predicted from the layers with what TensorFlow allocates on a CPU.

    python bench/training_memory.py [--side 64] [--batch 32] [--width 0.25] [--network NAME ...]

Each network is trained with Adam in its own process. The allocated memory is its variables, plus the amount by which
the peak of the resident memory during three steps exceeds the resident memory after steps with 2 and 3 images. So the
graphs that TensorFlow traces count as the library's: 1 to 2 MiB per layer, whatever the batch. glibc is told to return
every block of more than 128 KiB at once, so that the peak covers only memory in use.
"""

import argparse
import json
import math
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from machine import machine

from pipeline import space as spaces
from pipeline.architecture import FAMILIES, Architecture

NETWORKS = {
    "lenet": ("plain", "1", {}),
    "alexnet": ("alexnet", "alexnet", {}),
    "alexnet-ungrouped": ("alexnet", "alexnet-ungrouped", {}),
    "vgg11": ("vgg", "vgg11", {}),
    "vgg16": ("vgg", "vgg16", {}),
    "vgg11-normalised": ("vgg", "vgg11", {"norm": "batch"}),
    "googlenet": ("googlenet", "googlenet", {}),
    "googlenet-normalised": ("googlenet", "googlenet", {"norm": "batch"}),
    "resnet18": ("resnet", "resnet18", {}),
    "resnet34": ("resnet", "resnet34", {}),
    "resnet50": ("resnet", "resnet50", {}),
    "resnet50-pre": ("resnet", "resnet50", {"order": "pre", "projection": "pooled"}),
    "resnext50": ("resnext", "resnext50", {}),
}
"""Space, point of that space, and changes to it, by the name of the network."""

ENVIRONMENT = {
    "MALLOC_MMAP_THRESHOLD_": str(128 << 10),
    "MALLOC_TRIM_THRESHOLD_": str(128 << 10),
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "",
    "KERAS_BACKEND": "tensorflow",
}


def main() -> None:
    """Parses the arguments, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=64, help="of the images, in pixels")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--width", type=float, default=0.25)
    parser.add_argument("--network", action="append", choices=NETWORKS, help="these only")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        print(json.dumps(allocated(architecture(args.network[0], args.side, args.width), args.batch)))
        return
    print(machine())
    print(f"{args.side}x{args.side} images, batch {args.batch}, width {args.width:g}")
    for name in args.network or NETWORKS:
        measure(name, args)


def measure(name: str, args: argparse.Namespace) -> None:
    """Prints predicted and measured memory of one network."""
    flags = [f"--{key}={getattr(args, key)}" for key in ("side", "batch", "width")]
    command = [sys.executable, __file__, "--child", "--network", name, *flags]
    completed = subprocess.run(command, env=os.environ | ENVIRONMENT, capture_output=True, text=True, check=True)
    peak = json.loads(completed.stdout.splitlines()[-1])
    predicted = architecture(name, args.side, args.width).memory(args.batch)
    megabytes = f"predicted {predicted / 2**20:7,.0f} MiB, allocated {peak / 2**20:7,.0f} MiB"
    print(f"{name:22s} {megabytes}, ratio {predicted / peak:.2f}", flush=True)


def architecture(name: str, side: int, width: float) -> Architecture:
    """The network on images of ``side`` pixels, with 10 classes."""
    space, point, changes = NETWORKS[name]
    params = {**spaces.load(space).start_from[point], **changes, "width": width}
    return FAMILIES[str(params["family"])].build(params, (side, side, 3), 10)


def allocated(network: Architecture, batch: int) -> int:
    """Bytes that three training steps need at their peak, the variables included."""
    import keras

    from pipeline.training.build import build_training_model

    model: Any = build_training_model(network, scale=[1 / 64] * 3, offset=[-2.0] * 3)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False)
    steps(model, (2, 3, 2))  # two sizes, so that the graph is traced for any
    variables = sum(4 * math.prod(variable.shape) for variable in [*model.variables, *model.optimizer.variables])
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak starts again from here
    steps(model, (batch, batch, batch))
    return variables + resident("VmHWM") - before


def steps(model: Any, sizes: Sequence[int]) -> None:
    """A training step on made-up images for each of the batch sizes."""
    import numpy as np

    rng = np.random.default_rng(0)
    for size in sizes:
        images = rng.integers(0, 256, (size, *model.input_shape[1:]), dtype=np.uint8)
        model.train_on_batch(images, rng.integers(0, 10, size))


def resident(key: str) -> int:
    """Bytes of this process, as Linux counts them: ``VmRSS`` now, ``VmHWM`` at its peak."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(key):
            return int(line.split()[1]) << 10
    raise KeyError(key)


if __name__ == "__main__":
    main()
