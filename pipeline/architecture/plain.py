"""The plain family: blocks of [conv -> (norm) -> activation -> (pool)], then fully connected layers and logits."""

import math

from pipeline.architecture.architecture import Architecture
from pipeline.architecture.block_builder import BlockBuilder
from pipeline.architecture.common import ACTIVATION, DESIGNED_FOR, DROPOUT, NORM, WIDTH
from pipeline.architecture.family import Family
from pipeline.architecture.layer import INPUT
from pipeline.architecture.ops import Dense, Flatten, GlobalAveragePool, Pool
from pipeline.hyperparameter import Hyperparameter, Hyperparameters, Params

# The defaults: 3 x [conv 3x3 x 32 - batch norm - ReLU - max pool 2] - 128 - logits, 57,194 parameters on 28x28x1.
_HYPERPARAMETERS = Hyperparameters(
    Hyperparameter("blocks", 3, "blocks of convolutions, each followed by its pool", low=1),
    Hyperparameter("convs", 1, "convolutions in a block, before its pool", low=1, per="blocks"),
    Hyperparameter("filters", 32, "filters of a convolution", low=1, per="convs"),
    Hyperparameter("kernel", 3, "side of a convolution's kernel", low=1, per="convs"),
    Hyperparameter("stride", 1, "stride of a block's first convolution; the others have 1", low=1, per="blocks"),
    Hyperparameter("groups", 1, "groups that the channels of a convolution are split into", low=1, per="convs"),
    Hyperparameter("padding", "same", "padding of the convolutions", options=("same", "valid"), per="blocks"),
    Hyperparameter("pool", "max", "kind of pooling after a block", options=("none", "max", "average"), per="blocks"),
    Hyperparameter("pool_size", 2, "side of the pool's window", low=2, per="blocks"),
    Hyperparameter("pool_stride", 0, "stride of the pool; 0: its size; less: overlapping windows", low=0, per="blocks"),
    NORM,
    ACTIVATION,
    Hyperparameter("head", "flatten", "how the last map becomes features", options=("flatten", "average")),
    Hyperparameter("fc_layers", 1, "fully connected layers before the logits", low=0),
    Hyperparameter("fc_width", 128, "units of a fully connected layer", low=1, per="fc_layers"),
    DROPOUT,
    WIDTH,
    DESIGNED_FOR,
)


def _build(params: Params, input_shape: tuple[int, int, int], classes: int) -> Architecture:
    builder = BlockBuilder(_HYPERPARAMETERS, params, input_shape, classes)
    last = INPUT
    for block in range(1, builder.value("blocks") + 1):
        for conv in range(1, builder.value("convs", block) + 1):
            last = _add_conv(builder, last, block, conv)
        last = _add_pool(builder, last, block)
    last = builder.add("head", Flatten() if builder.value("head") == "flatten" else GlobalAveragePool(), last)
    _add_fully_connected(builder, last)
    return builder.finish()


def _add_conv(builder: BlockBuilder, source: str, block: int, conv: int) -> str:
    name = f"block{block}_conv{conv}"
    groups = builder.value("groups", block, conv)
    divisor = math.lcm(groups, _next_groups(builder, block, conv))
    filters = builder.scale_filters(builder.value("filters", block, conv), divisor)
    stride = builder.value("stride", block) if conv == 1 else 1
    kernel, stride = builder.halvings.fit_conv(builder.value("kernel", block, conv), stride)
    builder.check_stride(name, source, stride)
    last = builder.add_conv(name, source, filters, kernel, stride, builder.value("padding", block), groups)
    return builder.add_norm_and_activation(name, last)


def _next_groups(builder: BlockBuilder, block: int, conv: int) -> int:
    """The groups of the convolution that reads this one; they must divide this one's filters too."""
    if conv < builder.value("convs", block):
        return int(builder.value("groups", block, conv + 1))
    return int(builder.value("groups", block + 1, 1)) if block < builder.value("blocks") else 1


def _add_pool(builder: BlockBuilder, source: str, block: int) -> str:
    kind, size = builder.value("pool", block), builder.value("pool_size", block)
    if kind == "none":
        return source
    window = builder.halvings.fit_pool(size, builder.value("pool_stride", block) or size)
    return builder.add(f"block{block}_pool", Pool(kind, *window), source) if window else source


def _add_fully_connected(builder: BlockBuilder, source: str) -> str:
    """The fully connected layers, each with its activation and dropout; without any, dropout alone."""
    last, count = source, builder.value("fc_layers")
    for layer in range(1, count + 1):
        name = f"fc{layer}"
        dense = builder.add(name, Dense(builder.scale_filters(builder.value("fc_width", layer))), last)
        last = builder.add_dropout(name, builder.add_activation(name, dense))
    return last if count else builder.add_dropout("head", last)


PLAIN = Family("plain", "convolutions and pooling in turn, then fully connected layers", _HYPERPARAMETERS, _build)
