"""Adds the pieces that families are made of, with one norm, one activation and one width throughout."""

from typing import Any

from pipeline.architecture.architecture import Architecture
from pipeline.architecture.architecture_builder import ArchitectureBuilder
from pipeline.architecture.common import Halvings, scale_filters
from pipeline.architecture.layer import INPUT
from pipeline.architecture.op import Infeasible, Op
from pipeline.architecture.ops import Activation, BatchNorm, Conv, Dropout, GlobalAveragePool, Padding, Pool
from pipeline.hyperparameter import Hyperparameters, Params


class BlockBuilder:
    """An architecture that grows piece by piece, with the values that ``params`` give a family's hyperparameters.

    ``add`` and the methods that begin with it add layers after the layer ``source`` and return the name of the last
    one; where the params ask for no such piece, they add nothing and return ``source``.
    """

    def __init__(
        self, hyperparameters: Hyperparameters, params: Params, input_shape: tuple[int, int, int], classes: int
    ) -> None:
        self._hyperparameters, self._params = hyperparameters, params
        self._architecture = ArchitectureBuilder(input_shape, classes)
        self.halvings = Halvings(self.value("designed_for"), *input_shape[:2])

    def value(self, name: str, *index: int) -> Any:
        """The value of a hyperparameter, or of one of its repetitions."""
        return self._hyperparameters.value_of(self._params, name, *index)

    def scale_filters(self, filters: int, groups: int = 1) -> int:
        """``filters`` times the width multiplier, a multiple of ``groups``; see ``common.scale_filters``."""
        return scale_filters(filters, self.value("width"), groups)

    def check_stride(self, name: str, source: str, stride: int) -> None:
        """Infeasible if ``stride`` is larger than the map: ``same`` padding would keep a 1x1 map for ever."""
        height, width, _ = self._architecture.shape(source)
        if stride > min(height, width):
            raise Infeasible(f"{name}: a stride of {stride} leaves nothing of its {height}x{width} map", "map vanishes")

    def add(self, name: str, op: Op, *sources: str) -> str:
        """Any layer; see ``ArchitectureBuilder.add``."""
        return self._architecture.add(name, op, *sources)

    def add_conv(
        self,
        name: str,
        source: str,
        filters: int,
        kernel: int,
        stride: int = 1,
        padding: Padding = "same",
        groups: int = 1,
    ) -> str:
        """A convolution. It has biases only without normalisation, which would cancel them."""
        bias = self.value("norm") == "none"
        return self.add(name, Conv(filters, kernel, stride, padding, groups, bias), source)

    def add_norm(self, name: str, source: str) -> str:
        """The normalisation, if there is one."""
        return self.add(f"{name}_norm", BatchNorm(), source) if self.value("norm") == "batch" else source

    def add_activation(self, name: str, source: str) -> str:
        """The nonlinearity alone."""
        return self.add(f"{name}_activation", Activation(self.value("activation")), source)

    def add_norm_and_activation(self, name: str, source: str) -> str:
        """The normalisation, if there is one, then the nonlinearity."""
        return self.add_activation(name, self.add_norm(name, source))

    def add_dropout(self, name: str, source: str) -> str:
        """Dropout, if its rate is above 0."""
        rate = float(self.value("dropout"))
        return self.add(f"{name}_dropout", Dropout(rate), source) if rate > 0 else source

    def add_halving_pool(self, name: str, source: str) -> str:
        """A 3x3 max pool that halves the map, unless the images are too small for it."""
        window = self.halvings.fit_pool(3, 2)
        if window is None:
            return source
        size, stride = window
        self.check_stride(name, source, stride)
        return self.add(name, Pool("max", size, stride, "same"), source)

    def add_stem_conv(self) -> str:
        """The first convolution of a family that has stages."""
        kernel, stride = self.halvings.fit_conv(self.value("stem_kernel"), self.value("stem_stride"))
        self.check_stride("stem", INPUT, stride)
        return self.add_conv("stem", INPUT, self.scale_filters(self.value("stem_filters")), kernel, stride)

    def add_stem_pool(self, name: str, source: str) -> str:
        """A pool of the stem, if the params ask for one."""
        return self.add_halving_pool(name, source) if self.value("stem_pool") == "max" else source

    def add_average_head(self, source: str) -> str:
        """The head of a family that has stages: global average pooling, then dropout."""
        return self.add_dropout("head", self.add("head", GlobalAveragePool(), source))

    def finish(self) -> Architecture:
        """Adds the logits after the layer added last, and returns the architecture."""
        return self._architecture.finish()
