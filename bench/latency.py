"""Compares predicted latencies with measured ones, on networks that the calibration has not seen.

    python bench/latency.py

Calibrates, then measures points of the search spaces in the same process, and prints the ratio of predicted to
measured time. On a machine that does other things meanwhile both are too long, and the longer calls more so.
"""

import argparse
import os
import statistics
import time
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from machine import machine

from pipeline import space as spaces
from pipeline.architecture import FAMILIES, Architecture
from pipeline.latency.calibrate import calibrate, measure_latency

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
"""Space, point of that space, side of the image, and width of each network."""


def main() -> None:
    """Calibrates, measures, prints."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
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
    params = {**spaces.load(space).start_from[point], "width": width}
    return FAMILIES[str(params["family"])].build(params, (side, side, 3), 10)


def compare(label: str, architecture: Architecture, predict: Any) -> float:
    """Prints the times of one network; returns the ratio of predicted to measured."""
    predicted, measured = predict(architecture), measure_latency(architecture)
    macs = architecture.macs / 1e6
    print(
        f"{label}  {macs:7.1f} M MACs  {predicted:7.2f} ms  {measured:7.2f} ms  {predicted / measured:.2f}", flush=True
    )
    return float(predicted / measured)


if __name__ == "__main__":
    main()
