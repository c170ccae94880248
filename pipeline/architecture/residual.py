"""The residual family: a stem, stages of blocks that add to their input, the mean of the last map, logits."""

from dataclasses import dataclass

from pipeline.architecture.architecture import Architecture
from pipeline.architecture.block_builder import BlockBuilder
from pipeline.architecture.common import SHARED, STAGES, STEM
from pipeline.architecture.family import Family
from pipeline.architecture.op import Infeasible
from pipeline.architecture.ops import Add, Pool
from pipeline.hyperparameter import Hyperparameter, Hyperparameters, Params

_EXPANSION = 4
"""Channels after a bottleneck per filter of its stage."""

# The defaults: 3x3 x 32 - 3 stages of 2 basic blocks with 32 filters, 114,218 parameters on 28x28x1.
_HYPERPARAMETERS = Hyperparameters(
    *STEM,
    STAGES,
    Hyperparameter("stage_blocks", 2, "blocks in a stage", low=1, per="stages"),
    Hyperparameter("stage_filters", 32, "filters of a stage; bottlenecks end in 4 times as many", low=1, per="stages"),
    Hyperparameter("block", "basic", "3x3 twice, or 1x1, 3x3, 1x1", options=("basic", "bottleneck")),
    Hyperparameter("cardinality", 1, "groups of a bottleneck's 3x3 convolution", low=1),
    Hyperparameter("group_width", 64, "filters per group in a stage of 64 filters", low=1),
    Hyperparameter(
        "projection",
        "when_needed",
        "1x1 convolution in the skip: where the shape changes, always, or where it changes and after an average pool",
        options=("when_needed", "always", "pooled"),
    ),
    Hyperparameter("order", "post", "norm and activation after the convolutions or before", options=("post", "pre")),
    *SHARED,
)


@dataclass(frozen=True)
class _Conv:
    """One convolution of a block's branch."""

    filters: int
    kernel: int
    stride: int = 1
    groups: int = 1


def _build(params: Params, input_shape: tuple[int, int, int], classes: int) -> Architecture:
    """After He et al., "Deep Residual Learning for Image Recognition", CVPR 2016 (2015 on arXiv).

    The stride of a stage is in the 3x3 convolution of its first block (torchvision's). ``order: pre`` is that of
    He et al., "Identity Mappings in Deep Residual Networks", ECCV 2016: the stem is a bare convolution and the last
    sum is normalised and activated. ``projection: pooled`` is ResNet-D's (He et al., "Bag of Tricks", CVPR 2019).
    """
    builder = BlockBuilder(_HYPERPARAMETERS, params, input_shape, classes)
    last, channels = _add_stem(builder), builder.value("stem_filters")
    for stage in range(1, builder.value("stages") + 1):
        last = _add_stage(builder, last, stage, channels)
        channels = _channels(builder, stage)
    if _is_pre(builder):
        last = builder.add_norm_and_activation("final", last)
    builder.add_average_head(last)
    return builder.finish()


def _is_pre(builder: BlockBuilder) -> bool:
    """Whether normalisation and activation come before the convolutions."""
    return bool(builder.value("order") == "pre")


def _channels(builder: BlockBuilder, stage: int) -> int:
    """The channels after each block of a stage, before the width multiplier."""
    filters = int(builder.value("stage_filters", stage))
    return filters if builder.value("block") == "basic" else _EXPANSION * filters


def _add_stem(builder: BlockBuilder) -> str:
    last = builder.add_stem_conv()
    if not _is_pre(builder):
        last = builder.add_norm_and_activation("stem", last)
    return builder.add_stem_pool("stem_pool", last)


def _add_stage(builder: BlockBuilder, source: str, stage: int, source_channels: int) -> str:
    """The blocks of a stage; its first block halves the map, except in the first stage."""
    stride = builder.halvings.fit_stride(2) if stage > 1 else 1
    builder.check_stride(f"stage{stage}", source, stride)
    # Compared before the width multiplier: rounding must not make a projection come and go.
    changes_shape = stride > 1 or _channels(builder, stage) != source_channels
    last = source
    for block in range(1, builder.value("stage_blocks", stage) + 1):
        convs = _plan_block(builder, stage, stride if block == 1 else 1)
        last = _add_block(builder, f"stage{stage}_block{block}", last, convs, changes_shape and block == 1)
    return last


def _plan_block(builder: BlockBuilder, stage: int, stride: int) -> tuple[_Conv, ...]:
    """The convolutions of one block of a stage.

    A bottleneck is int(filters * group_width / 64) * cardinality wide inside (Xie et al., "Aggregated Residual
    Transformations for Deep Neural Networks", CVPR 2017, as torchvision counts; Wide ResNet is group_width 128).
    """
    filters, groups, width = (builder.value(name, stage) for name in ("stage_filters", "cardinality", "group_width"))
    out = builder.scale_filters(_channels(builder, stage))
    if builder.value("block") == "basic":
        if (groups, width) != (1, 64):
            reason = f"cardinality {groups} and group_width {width} need block bottleneck; basic has 1 and 64"
            raise Infeasible(f"stage{stage}: {reason}", "basic block with groups")
        return _Conv(out, 3, stride), _Conv(out, 3)
    inner = filters * width // 64 * groups
    if not inner:
        reason = f"each of {groups} groups would be {filters} * {width} / 64 filters wide, less than one"
        raise Infeasible(f"stage{stage}: {reason}", "cardinality over width")
    inner = builder.scale_filters(inner, groups)
    return _Conv(inner, 1), _Conv(inner, 3, stride, groups), _Conv(out, 1)


def _add_block(builder: BlockBuilder, name: str, source: str, convs: tuple[_Conv, ...], changes_shape: bool) -> str:
    """The convolutions and the skip around them; ``changes_shape`` says that the skip needs a projection."""
    pre = _is_pre(builder)
    entry = builder.add_norm_and_activation(f"{name}_entry", source) if pre else source
    branch = _add_branch(builder, name, entry, convs)
    skip = source
    if changes_shape or builder.value("projection") == "always":
        skip = _add_projection(builder, f"{name}_skip", entry, convs)
    total = builder.add(f"{name}_add", Add(), branch, skip)
    return total if pre else builder.add_activation(name, total)


def _add_branch(builder: BlockBuilder, name: str, source: str, convs: tuple[_Conv, ...]) -> str:
    """The convolutions of a block with normalisation and activation between them."""
    last = source
    for number, conv in enumerate(convs, 1):
        conv_name = f"{name}_conv{number}"
        last = builder.add_conv(conv_name, last, conv.filters, conv.kernel, conv.stride, groups=conv.groups)
        if number < len(convs):
            last = builder.add_norm_and_activation(conv_name, last)
    return last if _is_pre(builder) else builder.add_norm(conv_name, last)


def _add_projection(builder: BlockBuilder, name: str, source: str, convs: tuple[_Conv, ...]) -> str:
    """``source`` in the shape that the convolutions of the block give it."""
    filters, stride = convs[-1].filters, max(conv.stride for conv in convs)
    if builder.value("projection") == "pooled" and stride > 1:
        source = builder.add(f"{name}_pool", Pool("average", stride, stride, "same"), source)
        stride = 1
    last = builder.add_conv(name, source, filters, 1, stride)
    return last if _is_pre(builder) else builder.add_norm(name, last)


RESIDUAL = Family("residual", "stages of blocks that add to their input", _HYPERPARAMETERS, _build)
