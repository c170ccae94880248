"""The inception family: a stem, stages of modules of four branches, the mean of the last map, logits."""

from pipeline.architecture.architecture import Architecture
from pipeline.architecture.common import SHARED, STAGES, STEM
from pipeline.architecture.family import Family
from pipeline.architecture.ops import Concat, Pool
from pipeline.architecture.parts import Parts
from pipeline.hyperparameter import Hyperparameter, Values, table

# Nothing given: 3x3 x 32 - 3 stages of 2 modules with 56 channels, 41,098 parameters on 28x28x1.
_HYPERPARAMETERS = table(
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


def _inception(values: Values, input_shape: tuple[int, int, int], classes: int) -> Architecture:
    """After Szegedy et al., "Going Deeper with Convolutions", CVPR 2015, without the auxiliary heads."""
    parts = Parts(_HYPERPARAMETERS, values, input_shape, classes)
    last = _add_stem(parts)
    for stage in range(1, parts.value("stages") + 1):
        if stage > 1:
            last = parts.halving_pool(f"stage{stage}_pool", last)
        for module in range(1, parts.value("modules", stage) + 1):
            last = _add_module(parts, last, stage, module)
    return parts.finish(last)


def _add_stem(parts: Parts) -> str:
    """The first convolution and its pool, then 1x1 and 3x3 convolutions and theirs, where there are any."""
    last = parts.stem_pool("stem_pool", parts.activated("stem", parts.stem_conv()))
    before = last
    for name, kernel in (("stem_reduce", 1), ("stem_expand", 3)):
        if filters := parts.value(name):
            last = parts.activated(name, parts.conv(name, last, parts.scaled(filters), kernel))
    return last if last == before else parts.stem_pool("stem_pool2", last)


def _add_module(parts: Parts, source: str, stage: int, module: int) -> str:
    """1x1; 1x1 and 3x3; 1x1 and 5x5; pool and 1x1: all from ``source``, side by side in the end."""
    name = f"stage{stage}_module{module}"

    def conv(branch: str, source: str, kernel: int) -> str:
        filters, own = parts.scaled(parts.value(branch, stage, module)), f"{name}_{branch}"
        return parts.activated(own, parts.conv(own, source, filters, kernel))

    branches = (
        conv("branch1", source, 1),
        conv("branch3", conv("reduce3", source, 1), 3),
        conv("branch5", conv("reduce5", source, 1), 5),
        conv("branch_pool", parts.network.add(f"{name}_pool", Pool("max", 3, 1, "same"), source), 1),
    )
    return parts.network.add(f"{name}_concat", Concat(), *branches)


INCEPTION = Family("inception", "stages of modules: 1x1, 3x3, 5x5 and pool side by side", _HYPERPARAMETERS, _inception)
