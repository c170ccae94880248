"""The basic family: repeat [conv -> (norm) -> activation -> (pool)] -> fully connected layers -> logits."""

import math

from pipeline.architecture.architecture import Architecture
from pipeline.architecture.common import ACTIVATION, DESIGNED_FOR, DROPOUT, NORM, WIDTH
from pipeline.architecture.family import Family
from pipeline.architecture.layer import INPUT
from pipeline.architecture.ops import Dense, Flatten, GlobalAveragePool, Pool
from pipeline.architecture.parts import Parts
from pipeline.hyperparameter import Hyperparameter, Values, table

# Nothing given: 3 x [conv 3x3 x 32 - batch norm - ReLU - max pool 2] - 128 - logits, 57,194 parameters on 28x28x1.
_HYPERPARAMETERS = table(
    Hyperparameter("blocks", 3, "blocks of convolutions, each followed by its pool", low=1),
    Hyperparameter("convs", 1, "convolutions in a block, before its pool", low=1, per="blocks"),
    Hyperparameter("filters", 32, "filters of a convolution", low=1, per="convs"),
    Hyperparameter("kernel", 3, "side of a convolution's kernel", low=1, per="convs"),
    Hyperparameter("stride", 1, "stride of a block's first convolution, that of the others is 1", low=1, per="blocks"),
    Hyperparameter("groups", 1, "groups that the channels of a convolution are split into", low=1, per="convs"),
    Hyperparameter("padding", "same", "of the convolutions", options=("same", "valid"), per="blocks"),
    Hyperparameter("pool", "max", "kind of pooling after a block", options=("none", "max", "average"), per="blocks"),
    Hyperparameter("pool_size", 2, "side of the pool's window", low=2, per="blocks"),
    Hyperparameter("pool_stride", 0, "stride of the pool, 0: its size; smaller ones overlap", low=0, per="blocks"),
    NORM,
    ACTIVATION,
    Hyperparameter("head", "flatten", "how the last map becomes features", options=("flatten", "average")),
    Hyperparameter("fc_layers", 1, "fully connected layers before the logits", low=0),
    Hyperparameter("fc_width", 128, "units of a fully connected layer", low=1, per="fc_layers"),
    DROPOUT,
    WIDTH,
    DESIGNED_FOR,
)


def _plain(values: Values, input_shape: tuple[int, int, int], classes: int) -> Architecture:
    parts = Parts(_HYPERPARAMETERS, values, input_shape, classes)
    last = INPUT
    for block in range(1, parts.value("blocks") + 1):
        for conv in range(1, parts.value("convs", block) + 1):
            last = _add_conv(parts, last, block, conv)
        last = _add_pool(parts, last, block)
    last = parts.network.add("head", Flatten() if parts.value("head") == "flatten" else GlobalAveragePool(), last)
    fc_layers = parts.value("fc_layers")
    for layer in range(1, fc_layers + 1):
        units = parts.scaled(parts.value("fc_width", layer))
        last = parts.activation(f"fc{layer}", parts.network.add(f"fc{layer}", Dense(units), last))
        last = parts.dropout(f"fc{layer}", last)
    if not fc_layers:
        parts.dropout("head", last)
    return parts.network.finish()


def _add_conv(parts: Parts, source: str, block: int, conv: int) -> str:
    groups = parts.value("groups", block, conv)
    divisor = math.lcm(groups, _next_groups(parts, block, conv))
    filters = parts.scaled(parts.value("filters", block, conv), divisor)
    stride = parts.value("stride", block) if conv == 1 else 1
    kernel, stride = parts.halvings.conv(parts.value("kernel", block, conv), stride)
    name = f"block{block}_conv{conv}"
    parts.check_stride(name, source, stride)
    convolved = parts.conv(name, source, filters, kernel, stride, parts.value("padding", block), groups)
    return parts.activated(name, convolved)


def _next_groups(parts: Parts, block: int, conv: int) -> int:
    """Those of the convolution that reads this one, which must divide its filters too."""
    if conv < parts.value("convs", block):
        return int(parts.value("groups", block, conv + 1))
    return int(parts.value("groups", block + 1, 1)) if block < parts.value("blocks") else 1


def _add_pool(parts: Parts, source: str, block: int) -> str:
    kind, size = parts.value("pool", block), parts.value("pool_size", block)
    if kind == "none":
        return source
    window = parts.halvings.pool(size, parts.value("pool_stride", block) or size)
    return parts.network.add(f"block{block}_pool", Pool(kind, *window), source) if window else source


PLAIN = Family("plain", "convolutions and pooling in turn, then fully connected layers", _HYPERPARAMETERS, _plain)
