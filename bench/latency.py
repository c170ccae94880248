"""How well predicted latencies agree with measured ones, on networks that the calibration has not seen.

    python bench/latency.py

Calibrates, then measures points of the search spaces in the same process, and prints predicted over measured. On a
machine that does other things at once, both are too slow, and the longer calls more so.
"""

import os
import statistics
import time
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from machine import machine

from pipeline import space as spaces
from pipeline.architecture import FAMILIES, Architecture
from pipeline.training.calibrate import calibrate, measure

NETWORKS = (
    ("plain", "1", 28, 1.0),
    ("vgg", "vgg11-eighth", 32, 0.125),
    ("vgg", "vgg11", 64, 0.5),
    ("alexnet", "alexnet", 227, 1.0),
    ("googlenet", "googlenet-eighth", 32, 0.125),
    ("googlenet", "googlenet", 64, 0.5),
    ("googlenet", "googlenet", 96, 1.0),
    ("resnet", "resnet10-quarter", 32, 0.25),
    ("resnet", "resnet18", 64, 1.0),
    ("resnet", "resnet50", 112, 0.5),
    ("resnext", "resnext50", 32, 0.25),
    ("resnext", "resnext50", 64, 0.5),
)
"""Each by its space, its point there, the side of the image and the width."""


def main() -> None:
    """Calibrates, measures, prints."""
    print(machine())
    began = time.perf_counter()
    model = calibrate()
    print(f"calibration: {time.perf_counter() - began:.1f} s on {model.device} with {model.backend}")
    errors: list[float] = []
    for space, point, side, width in NETWORKS:
        label = f"{space:9}  {point:16}  {side:3}x{side:<3}  width {width:<5g}"
        errors.append(abs(compare(label, network(space, point, side, width), model.predict) - 1))
    print(f"median error {statistics.median(errors):.0%}, worst {max(errors):.0%}, of {len(errors)} networks")


def network(space: str, point: str, side: int, width: float) -> Architecture:
    """The architecture for colour images and 10 classes."""
    values = {**spaces.load(space).start_from[point], "width": width}
    return FAMILIES[str(values["family"])].rule(values, (side, side, 3), 10)


def compare(label: str, architecture: Architecture, predict: Any) -> float:
    """Prints one network's times; predicted over measured."""
    predicted, measured = predict(architecture), measure(architecture)
    macs = architecture.macs / 1e6
    print(
        f"{label}  {macs:7.1f} M MACs  {predicted:7.2f} ms  {measured:7.2f} ms  {predicted / measured:.2f}", flush=True
    )
    return float(predicted / measured)


if __name__ == "__main__":
    main()
