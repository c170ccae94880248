"""The inception family: a stem, stages of modules of four branches, the mean of the last map, logits."""

from pipeline.architecture.architecture import Architecture
from pipeline.architecture.block_builder import BlockBuilder
from pipeline.architecture.common import SHARED, STAGES, STEM
from pipeline.architecture.family import Family
from pipeline.architecture.ops import Concat, Pool
from pipeline.hyperparameter import Hyperparameter, Hyperparameters, Params

# The defaults: 3x3 x 32 - 3 stages of 2 modules with 56 channels, 41,098 parameters on 28x28x1.
_HYPERPARAMETERS = Hyperparameters(
    *STEM,
    Hyperparameter("stem_reduce", 0, "filters of the stem's 1x1 convolution, 0: none", low=0),
    Hyperparameter("stem_expand", 0, "filters of the stem's second 3x3 convolution, 0: none", low=0),
    STAGES,
    Hyperparameter("modules", 2, "modules in a stage", low=1, per="stages"),
    Hyperparameter("branch1", 16, "filters of the 1x1 branch", low=1, per="modules"),
    Hyperparameter("reduce3", 16, "filters of the 1x1 convolution before the 3x3", low=1, per="modules"),
    Hyperparameter("branch3", 24, "filters of the 3x3 branch", low=1, per="modules"),
    Hyperparameter("reduce5", 4, "filters of the 1x1 convolution before the 5x5", low=1, per="modules"),
    Hyperparameter("branch5", 8, "filters of the 5x5 branch", low=1, per="modules"),
    Hyperparameter("branch_pool", 8, "filters of the 1x1 convolution after the pool", low=1, per="modules"),
    *SHARED,
)


def _build(params: Params, input_shape: tuple[int, int, int], classes: int) -> Architecture:
    """After Szegedy et al., "Going Deeper with Convolutions", CVPR 2015, without the auxiliary heads."""
    builder = BlockBuilder(_HYPERPARAMETERS, params, input_shape, classes)
    last = _add_stem(builder)
    for stage in range(1, builder.value("stages") + 1):
        if stage > 1:
            last = builder.add_halving_pool(f"stage{stage}_pool", last)
        for module in range(1, builder.value("modules", stage) + 1):
            last = _add_module(builder, last, stage, module)
    builder.add_average_head(last)
    return builder.finish()


def _add_stem(builder: BlockBuilder) -> str:
    """The first convolution and its pool, then 1x1 and 3x3 convolutions and their pool, if there are any."""
    pooled = builder.add_stem_pool("stem_pool", builder.add_norm_and_activation("stem", builder.add_stem_conv()))
    last = pooled
    for name, kernel in (("stem_reduce", 1), ("stem_expand", 3)):
        if filters := builder.value(name):
            last = _add_conv(builder, name, last, filters, kernel)
    return last if last == pooled else builder.add_stem_pool("stem_pool2", last)


def _add_module(builder: BlockBuilder, source: str, stage: int, module: int) -> str:
    """1x1; 1x1 and 3x3; 1x1 and 5x5; pool and 1x1: all from ``source``, side by side in the end."""
    name = f"stage{stage}_module{module}"

    def add_branch_conv(hyperparameter: str, source: str, kernel: int) -> str:
        filters = builder.value(hyperparameter, stage, module)
        return _add_conv(builder, f"{name}_{hyperparameter}", source, filters, kernel)

    branches = (
        add_branch_conv("branch1", source, 1),
        add_branch_conv("branch3", add_branch_conv("reduce3", source, 1), 3),
        add_branch_conv("branch5", add_branch_conv("reduce5", source, 1), 5),
        add_branch_conv("branch_pool", builder.add(f"{name}_pool", Pool("max", 3, 1, "same"), source), 1),
    )
    return builder.add(f"{name}_concat", Concat(), *branches)


def _add_conv(builder: BlockBuilder, name: str, source: str, filters: int, kernel: int) -> str:
    """A convolution with ``filters`` times the width multiplier, then normalisation and activation."""
    conv = builder.add_conv(name, source, builder.scale_filters(filters), kernel)
    return builder.add_norm_and_activation(name, conv)


INCEPTION = Family("inception", "stages of modules: 1x1, 3x3, 5x5 and pool side by side", _HYPERPARAMETERS, _build)
