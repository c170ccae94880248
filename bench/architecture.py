"""How long an architecture and its costs take in pure Python.

    python bench/architecture.py [--repeat 20]

For each published network at the size it was published for: the median time of its rule, and of parameters, MACs,
training memory and key together.
"""

import argparse
import statistics
import time

from machine import machine

from pipeline import space as spaces
from pipeline.architecture import FAMILIES
from pipeline.hyperparameter import Values

SPACES = ("alexnet", "vgg", "googlenet", "resnet", "resnext")


def main() -> None:
    """Parses, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=20)
    args = parser.parse_args()
    print(machine())
    for space in SPACES:
        for name, values in spaces.load(space).start_from.items():
            if values["width"] == 1:
                times = [seconds(values) for _ in range(args.repeat)]
                rule, costs = (statistics.median(column) * 1e3 for column in zip(*times, strict=True))
                print(f"{name:18s} rule {rule:5.2f} ms, costs {costs:5.2f} ms")


def seconds(values: Values) -> tuple[float, float]:
    """Of the rule, and of the costs after it."""
    side = int(values["designed_for"])
    begun = time.perf_counter()
    architecture = FAMILIES[str(values["family"])].rule(values, (side, side, 3), 1000)
    built = time.perf_counter()
    _ = architecture.parameters, architecture.macs, architecture.memory(32), architecture.key()
    return built - begun, time.perf_counter() - built


if __name__ == "__main__":
    main()
