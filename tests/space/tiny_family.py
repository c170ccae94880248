"""A family that is not in the table: one file, as a new family has it."""

from pipeline.architecture import Architecture, Family
from pipeline.architecture.block_builder import BlockBuilder
from pipeline.architecture.common import SHARED
from pipeline.architecture.layer import INPUT
from pipeline.hyperparameter import Hyperparameter, Hyperparameters, Params

_HYPERPARAMETERS = Hyperparameters(
    Hyperparameter("rings", 2, "convolutions, one after another", low=1),
    Hyperparameter("ring_width", 8, "filters of a convolution", low=1, per="rings"),
    *SHARED,
)


def build(params: Params, input_shape: tuple[int, int, int], classes: int) -> Architecture:
    """A stack of 3x3 convolutions, the mean of the last map, logits."""
    builder = BlockBuilder(_HYPERPARAMETERS, params, input_shape, classes)
    last = INPUT
    for ring in range(1, builder.value("rings") + 1):
        name, filters = f"ring{ring}", builder.scale_filters(builder.value("ring_width", ring))
        last = builder.add_norm_and_activation(name, builder.add_conv(name, last, filters, 3))
    builder.add_average_head(last)
    return builder.finish()


TINY = Family("tiny", "a stack of convolutions", _HYPERPARAMETERS, build)
