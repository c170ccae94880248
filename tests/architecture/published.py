"""The published networks as points of their families, with the parameters and MACs that others count."""

from collections.abc import Mapping
from typing import Any

from pipeline.hyperparameter import Scalar

_ALEXNET = {
    "family": "plain",
    "blocks": 3,
    "convs": [1, 1, 3],
    "filters": [[96], [256], [384, 384, 256]],
    "kernel": [[11], [5], [3, 3, 3]],
    "stride": [4, 1, 1],
    "padding": ["valid", "same", "same"],
    "groups": [[1], [2], [1, 2, 2]],
    "pool": "max",
    "pool_size": 3,
    "pool_stride": 2,
    "norm": "none",
    "activation": "relu",
    "head": "flatten",
    "fc_layers": 2,
    "fc_width": 4096,
    "dropout": 0.5,
    "width": 1.0,
    "designed_for": 227,
}


def _vgg(*convs: int) -> dict[str, Any]:
    return {
        "family": "plain",
        "blocks": 5,
        "convs": list(convs),
        "filters": [64, 128, 256, 512, 512],
        "kernel": 3,
        "stride": 1,
        "padding": "same",
        "groups": 1,
        "pool": "max",
        "pool_size": 2,
        "pool_stride": 2,
        "norm": "none",
        "activation": "relu",
        "head": "flatten",
        "fc_layers": 2,
        "fc_width": 4096,
        "dropout": 0.5,
        "width": 1.0,
        "designed_for": 224,
    }


_STEM = {"stem_filters": 64, "stem_kernel": 7, "stem_stride": 2, "stem_pool": "max"}

_GOOGLENET = {
    "family": "inception",
    **_STEM,
    "stem_reduce": 64,
    "stem_expand": 192,
    "stages": 3,
    "modules": [2, 5, 2],
    "branch1": [[64, 128], [192, 160, 128, 112, 256], [256, 384]],
    "reduce3": [[96, 128], [96, 112, 128, 144, 160], [160, 192]],
    "branch3": [[128, 192], [208, 224, 256, 288, 320], [320, 384]],
    "reduce5": [[16, 32], [16, 24, 24, 32, 32], [32, 48]],
    "branch5": [[32, 96], [48, 64, 64, 64, 128], [128, 128]],
    "branch_pool": [[32, 64], [64, 64, 64, 64, 128], [128, 128]],
    "norm": "none",
    "activation": "relu",
    "dropout": 0.4,
    "width": 1.0,
    "designed_for": 224,
}


def _resnet(block: str, *blocks: int, cardinality: int = 1, group_width: int = 64) -> dict[str, Any]:
    return {
        "family": "residual",
        **_STEM,
        "stages": 4,
        "stage_blocks": list(blocks),
        "stage_filters": [64, 128, 256, 512],
        "block": block,
        "cardinality": cardinality,
        "group_width": group_width,
        "projection": "when_needed",
        "order": "post",
        "norm": "batch",
        "activation": "relu",
        "dropout": 0.0,
        "width": 1.0,
        "designed_for": 224,
    }


POINTS: Mapping[str, Mapping[str, Any]] = {
    "alexnet": _ALEXNET,
    "alexnet-ungrouped": _ALEXNET | {"groups": 1},
    "vgg11": _vgg(1, 1, 2, 2, 2),
    "vgg13": _vgg(2, 2, 2, 2, 2),
    "vgg16": _vgg(2, 2, 3, 3, 3),
    "vgg19": _vgg(2, 2, 4, 4, 4),
    "googlenet": _GOOGLENET,
    "resnet18": _resnet("basic", 2, 2, 2, 2),
    "resnet34": _resnet("basic", 3, 4, 6, 3),
    "resnet50": _resnet("bottleneck", 3, 4, 6, 3),
    "resnet101": _resnet("bottleneck", 3, 4, 23, 3),
    "resnext50": _resnet("bottleneck", 3, 4, 6, 3, cardinality=32, group_width=4),
}
"""The points as a space file has them: a list has one value for each repetition."""

PARAMETERS: Mapping[str, int] = {
    "alexnet": 60_965_224,
    "alexnet-ungrouped": 62_378_344,
    "vgg11": 132_863_336,
    "vgg13": 133_047_848,
    "vgg16": 138_357_544,
    "vgg19": 143_667_240,
    "googlenet": 6_998_552,
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
    "resnext50": 25_028_904,
}
"""Trained parameters for 1000 classes, to the unit."""

MACS: Mapping[str, float] = {"alexnet": 0.724e9, "vgg16": 15.47e9, "resnet50": 4.09e9}
"""Multiply-accumulates of one forward pass as published."""

SIDES: Mapping[str, int] = {name: int(point["designed_for"]) for name, point in POINTS.items()}
"""Side in pixels of the images that each was published for."""

LAST_MAP: Mapping[str, int] = {name: 6 if name.startswith("alexnet") else 7 for name in POINTS}
"""Side of the last map, which a smaller image should leave about as large."""


def published_params(name: str, **others: Scalar) -> dict[str, Scalar]:
    """The point ``name`` as a family reads it, some values replaced: ``filters: [64, 8]`` gives ``filters_1, ...``."""
    point = {key: value for key, value in POINTS[name].items() if key not in others}
    return {key: scalar for name, value in point.items() for key, scalar in _flatten(name, value)} | others


def _flatten(name: str, value: Any) -> list[tuple[str, Scalar]]:
    if not isinstance(value, list):
        return [(name, value)]
    return [pair for number, item in enumerate(value, 1) for pair in _flatten(f"{name}_{number}", item)]
