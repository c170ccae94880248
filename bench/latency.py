"""How well predicted latencies agree with measured ones, on networks that the calibration has not seen.

    python bench/latency.py

Calibrates, then measures scaled points of every family in the same process, and prints predicted over measured. On a
machine that does other things at once, both are too slow, and the longer calls more so.
"""

import os
import statistics
import time
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from machine import machine

from pipeline.architecture import FAMILIES, Architecture
from pipeline.training.calibrate import calibrate, measure

_VGG11 = {"blocks": 5, "convs_3": 2, "convs_4": 2, "convs_5": 2, "norm": "none", "fc_layers": 2, "fc_width": 512}
_VGG11 |= {f"filters_{block}": filters for block, filters in enumerate((64, 128, 256, 512, 512), start=1)}
_ALEXNET = {
    "blocks": 3,
    "convs_3": 3,
    "filters_1": 96,
    "filters_2": 256,
    "filters_3": 384,
    "kernel_1": 11,
    "norm": "none",
}
_ALEXNET |= {"kernel_2": 5, "stride_1": 4, "groups_2": 2, "groups_3": 2, "pool_size": 3, "pool_stride": 2}
_RESNET: dict[str, Any] = {"stem_filters": 64, "stem_kernel": 7, "stem_stride": 2, "stem_pool": "max", "stages": 4}
_RESNET |= {f"stage_filters_{stage}": 32 * 2**stage for stage in (1, 2, 3, 4)}
_RESNEXT = _RESNET | {"block": "bottleneck", "cardinality": 32, "group_width": 4}

NETWORKS: tuple[tuple[str, str, int, dict[str, Any]], ...] = (
    ("LeNet-like", "plain", 28, {}),
    ("VGG-11", "plain", 64, _VGG11),
    ("VGG-11, half as wide", "plain", 32, _VGG11 | {"width": 0.5}),
    ("AlexNet, two groups", "plain", 227, _ALEXNET),
    ("inception, the default", "inception", 32, {}),
    ("inception, four times as wide", "inception", 32, {"width": 4.0}),
    ("inception, one stage more", "inception", 96, {"width": 2.0, "stages": 4, "stem_stride": 2}),
    ("residual, the default", "residual", 32, {}),
    ("ResNet-18", "residual", 64, _RESNET),
    ("ResNet-26, bottlenecks", "residual", 112, _RESNET | {"block": "bottleneck", "width": 0.5}),
    ("ResNeXt-26 32x4d", "residual", 64, _RESNEXT),
    ("ResNeXt-26 32x4d, half as wide", "residual", 32, _RESNEXT | {"width": 0.5, "stem_stride": 1}),
)
"""Name, family, side of the image, values."""


def main() -> None:
    """Calibrates, measures, prints."""
    print(machine())
    began = time.perf_counter()
    model = calibrate()
    print(f"calibration: {time.perf_counter() - began:.1f} s on {model.device} with {model.backend}")
    errors: list[float] = []
    for name, family, side, values in NETWORKS:
        ratio = compare(f"{family:9}  {name:30}  {side:3}x{side:<3}", network(family, side, values), model.predict)
        errors.append(abs(ratio - 1))
    print(f"median error {statistics.median(errors):.0%}, worst {max(errors):.0%}, of {len(errors)} networks")


def network(family: str, side: int, values: dict[str, Any]) -> Architecture:
    """The architecture for colour images and 10 classes."""
    return FAMILIES[family].rule(values, (side, side, 3), 10)


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
