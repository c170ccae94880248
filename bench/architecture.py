"""Measures how long it takes to build an architecture and to compute its costs in pure Python.

    python bench/architecture.py [--repeat 20]

For each published network at the image size it was published for: the median time to build it, and to compute its
parameters, MACs, training memory and key together.
"""

import argparse
import statistics
import time

from machine import machine

from pipeline import space as spaces
from pipeline.architecture import FAMILIES
from pipeline.hyperparameter import Params

SPACES = ("alexnet", "vgg", "googlenet", "resnet", "resnext")


def main() -> None:
    """Parses the arguments, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=20)
    args = parser.parse_args()
    print(machine())
    for space in SPACES:
        for name, params in spaces.load(space).start_from.items():
            if params["width"] == 1:
                times = [measure(params) for _ in range(args.repeat)]
                build, costs = (statistics.median(column) * 1e3 for column in zip(*times, strict=True))
                print(f"{name:18s} build {build:5.2f} ms, costs {costs:5.2f} ms")


def measure(params: Params) -> tuple[float, float]:
    """Seconds to build the architecture, and to compute its costs."""
    side = int(params["designed_for"])
    began = time.perf_counter()
    architecture = FAMILIES[str(params["family"])].build(params, (side, side, 3), 1000)
    built = time.perf_counter()
    _ = architecture.parameters, architecture.macs, architecture.memory(32), architecture.key()
    return built - began, time.perf_counter() - built


if __name__ == "__main__":
    main()
