"""The residual family: a stem, stages of blocks that add to their input, the mean of the last map, logits."""

from dataclasses import dataclass

from pipeline.architecture.architecture import Architecture
from pipeline.architecture.common import SHARED, STAGES, STEM
from pipeline.architecture.family import Family
from pipeline.architecture.op import Infeasible
from pipeline.architecture.ops import Add, Pool
from pipeline.architecture.parts import Parts
from pipeline.hyperparameter import Hyperparameter, Values, table

_EXPANSION = 4
"""Channels after a bottleneck for each of its stage's filters."""

# Nothing given: 3x3 x 32 - 3 stages of 2 basic blocks with 32 filters, 114,218 parameters on 28x28x1.
_HYPERPARAMETERS = table(
    *STEM,
    STAGES,
    Hyperparameter("stage_blocks", 2, "blocks in a stage", low=1, per="stages"),
    Hyperparameter("stage_filters", 32, "filters of a stage; bottlenecks end in 4 times as many", low=1, per="stages"),
    Hyperparameter("block", "basic", "3x3 twice, or 1x1, 3x3, 1x1", options=("basic", "bottleneck")),
    Hyperparameter("cardinality", 1, "groups of a bottleneck's 3x3 convolution", low=1),
    Hyperparameter("group_width", 64, "filters of one of these groups where the stage has 64", low=1),
    Hyperparameter(
        "projection",
        "when_needed",
        "1x1 convolution in the skip: where the shape changes, always, or as needed after an average pool",
        options=("when_needed", "always", "pooled"),
    ),
    Hyperparameter(
        "order", "post", "norm and activation after the convolutions or before them", options=("post", "pre")
    ),
    *SHARED,
)


@dataclass(frozen=True)
class _Conv:
    """One convolution of a block's branch."""

    filters: int
    kernel: int
    stride: int = 1
    groups: int = 1


def _residual(values: Values, input_shape: tuple[int, int, int], classes: int) -> Architecture:
    """After He et al., "Deep Residual Learning for Image Recognition", CVPR 2016 (2015 on arXiv).

    The stride of a stage is in the 3x3 convolution of its first block (torchvision's). ``order: pre`` is that of
    He et al., "Identity Mappings in Deep Residual Networks", ECCV 2016: the stem is a bare convolution and the last
    sum is normalised and activated. ``projection: pooled`` is ResNet-D's (He et al., "Bag of Tricks", CVPR 2019).
    """
    parts = Parts(_HYPERPARAMETERS, values, input_shape, classes)
    stem, pre, channels = parts.stem_conv(), parts.value("order") == "pre", parts.value("stem_filters")
    last = parts.stem_pool("stem_pool", stem if pre else parts.activated("stem", stem))
    for stage in range(1, parts.value("stages") + 1):
        stride, before, channels = parts.halvings.stride(2) if stage > 1 else 1, channels, _channels(parts, stage)
        parts.check_stride(f"stage{stage}", last, stride)
        for block in range(1, parts.value("stage_blocks", stage) + 1):
            plan = _plan(parts, stage, stride if block == 1 else 1)
            # Asked before the width multiplier: rounding must not make a projection come and go.
            changed = block == 1 and (stride > 1 or channels != before)
            last = _add_block(parts, f"stage{stage}_block{block}", last, plan, changed)
    return parts.finish(parts.activated("final", last) if pre else last)


def _channels(parts: Parts, stage: int) -> int:
    """What the blocks of a stage end in."""
    filters = int(parts.value("stage_filters", stage))
    return filters if parts.value("block") == "basic" else _EXPANSION * filters


def _plan(parts: Parts, stage: int, stride: int) -> tuple[_Conv, ...]:
    """The convolutions of one block of a stage.

    A bottleneck is int(filters * group_width / 64) * cardinality wide inside (Xie et al., "Aggregated Residual
    Transformations for Deep Neural Networks", CVPR 2017, as torchvision counts; Wide ResNet is group_width 128).
    """
    filters, groups, width = (parts.value(name, stage) for name in ("stage_filters", "cardinality", "group_width"))
    out = parts.scaled(_channels(parts, stage))
    if parts.value("block") == "basic":
        if (groups, width) != (1, 64):
            reason = f"cardinality {groups} and group_width {width} need block bottleneck; basic has 1 and 64"
            raise Infeasible(f"stage{stage}: {reason}", "basic block with groups")
        return _Conv(out, 3, stride), _Conv(out, 3)
    inner = filters * width // 64 * groups
    if not inner:
        reason = f"each of {groups} groups would be {filters} * {width} / 64 filters wide, less than one"
        raise Infeasible(f"stage{stage}: {reason}", "cardinality over width")
    inner = parts.scaled(inner, groups)
    return _Conv(inner, 1), _Conv(inner, 3, stride, groups), _Conv(out, 1)


def _add_block(parts: Parts, name: str, source: str, plan: tuple[_Conv, ...], changed: bool) -> str:
    pre = parts.value("order") == "pre"
    entry = last = parts.activated(f"{name}_entry", source) if pre else source
    for number, conv in enumerate(plan, 1):
        own = f"{name}_conv{number}"
        last = parts.conv(own, last, conv.filters, conv.kernel, conv.stride, groups=conv.groups)
        if number < len(plan):
            last = parts.activated(own, last)
    branch, skip = last if pre else parts.norm(own, last), source
    if changed or parts.value("projection") == "always":
        skip = _add_projection(parts, f"{name}_skip", entry, plan)
        skip = skip if pre else parts.norm(f"{name}_skip", skip)
    total = parts.network.add(f"{name}_add", Add(), branch, skip)
    return total if pre else parts.activation(name, total)


def _add_projection(parts: Parts, name: str, source: str, plan: tuple[_Conv, ...]) -> str:
    """``source`` in the shape that the convolutions of ``plan`` give it."""
    filters, stride = plan[-1].filters, max(conv.stride for conv in plan)
    if parts.value("projection") == "pooled" and stride > 1:
        source = parts.network.add(f"{name}_pool", Pool("average", stride, stride, "same"), source)
        stride = 1
    return parts.conv(name, source, filters, 1, stride)


RESIDUAL = Family("residual", "stages of blocks that add to what they were given", _HYPERPARAMETERS, _residual)
