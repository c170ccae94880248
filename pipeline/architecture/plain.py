"""The basic family: repeat [conv -> (norm) -> activation -> (pool)] -> fully connected layers -> logits."""

from typing import Any

from pipeline.architecture.architecture import Architecture
from pipeline.architecture.family import Family
from pipeline.architecture.network import Network
from pipeline.architecture.ops import Activation, BatchNorm, Conv, Dense, Dropout, Flatten, GlobalAveragePool, Pool
from pipeline.hyperparameter import Hyperparameter, Values, read, table

# Nothing given: 3 x [conv 3x3 x 32 - batch norm - ReLU - max pool 2] - 128 - logits, 57,194 parameters on 28x28x1.
_HYPERPARAMETERS = table(
    Hyperparameter("blocks", 3, "blocks of convolutions, each followed by its pool", low=1),
    Hyperparameter("convs", 1, "convolutions in a block, before its pool", low=1, per="blocks"),
    Hyperparameter("filters", 32, "filters of every convolution of a block", low=1, per="blocks"),
    Hyperparameter("kernel", 3, "side of the convolutions' kernels", low=1, per="blocks"),
    Hyperparameter("stride", 1, "stride of a block's first convolution", low=1, per="blocks"),
    Hyperparameter("padding", "same", "of the convolutions", options=("same", "valid"), per="blocks"),
    Hyperparameter("pool", "max", "kind of pooling after a block", options=("none", "max", "average"), per="blocks"),
    Hyperparameter("pool_size", 2, "side of the pool's window", low=2, per="blocks"),
    Hyperparameter("pool_stride", 0, "stride of the pool, 0: its size; smaller ones overlap", low=0, per="blocks"),
    Hyperparameter("norm", "batch", "normalisation after each convolution", options=("none", "batch")),
    Hyperparameter(
        "activation",
        "relu",
        "after each convolution and fully connected layer",
        options=("relu", "leaky_relu", "elu", "gelu", "silu"),
    ),
    Hyperparameter("head", "flatten", "how the last map becomes features", options=("flatten", "average")),
    Hyperparameter("fc_layers", 1, "fully connected layers before the logits", low=0),
    Hyperparameter("fc_width", 128, "units of a fully connected layer", low=1, per="fc_layers"),
    Hyperparameter(
        "dropout",
        0.0,
        "share of features dropped after each fully connected layer, or else before the logits",
        low=0.0,
        high=0.9,
    ),
)


def _plain(values: Values, input_shape: tuple[int, int, int], classes: int) -> Architecture:
    network = Network(input_shape, classes)
    for block in range(1, _value(values, "blocks") + 1):
        for conv in range(1, _value(values, "convs", block) + 1):
            _add_conv(network, values, block, conv)
        _add_pool(network, values, block)
    network.add("head", Flatten() if _value(values, "head") == "flatten" else GlobalAveragePool())
    fc_layers = _value(values, "fc_layers")
    for layer in range(1, fc_layers + 1):
        network.add(f"fc{layer}", Dense(_value(values, "fc_width", layer)))
        network.add(f"fc{layer}_activation", Activation(_value(values, "activation")))
        _add_dropout(network, values, f"fc{layer}_dropout")
    if not fc_layers:
        _add_dropout(network, values, "head_dropout")
    return network.finish()


def _add_conv(network: Network, values: Values, block: int, conv: int) -> None:
    name, norm = f"block{block}_conv{conv}", _value(values, "norm")
    network.add(
        name,
        Conv(
            filters=_value(values, "filters", block),
            kernel=_value(values, "kernel", block),
            stride=_value(values, "stride", block) if conv == 1 else 1,
            padding=_value(values, "padding", block),
            bias=norm == "none",  # batch normalisation would take it out again
        ),
    )
    if norm == "batch":
        network.add(f"{name}_norm", BatchNorm())
    network.add(f"{name}_activation", Activation(_value(values, "activation")))


def _add_pool(network: Network, values: Values, block: int) -> None:
    kind, size = _value(values, "pool", block), _value(values, "pool_size", block)
    if kind != "none":
        network.add(f"block{block}_pool", Pool(kind, size, _value(values, "pool_stride", block) or size))


def _add_dropout(network: Network, values: Values, name: str) -> None:
    rate = float(_value(values, "dropout"))
    if rate > 0:
        network.add(name, Dropout(rate))


def _value(values: Values, name: str, *index: int) -> Any:
    return read(_HYPERPARAMETERS, values, name, *index)


PLAIN = Family("plain", "convolutions and pooling in turn, then fully connected layers", _HYPERPARAMETERS, _plain)
