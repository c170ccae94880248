"""The pieces that families build a network of, with one norm, activation and width throughout."""

from collections.abc import Mapping
from typing import Any

from pipeline.architecture.architecture import Architecture
from pipeline.architecture.common import Halvings, scaled
from pipeline.architecture.layer import INPUT
from pipeline.architecture.network import Network
from pipeline.architecture.op import Infeasible
from pipeline.architecture.ops import Activation, BatchNorm, Conv, Dropout, GlobalAveragePool, Padding, Pool
from pipeline.hyperparameter import Hyperparameter, Values, read


class Parts:
    """A network that grows piece by piece, by ``values`` as ``known``, the hyperparameters of its family, read them.

    A piece comes after the layer it is told, and its method returns the name of the layer to go on from.
    """

    def __init__(
        self, known: Mapping[str, Hyperparameter], values: Values, input_shape: tuple[int, int, int], classes: int
    ) -> None:
        self._known, self._values = known, values
        self.network = Network(input_shape, classes)
        self.halvings = Halvings(self.value("designed_for"), *input_shape[:2])

    def value(self, name: str, *index: int) -> Any:
        """The value of a hyperparameter, of one of its repetitions where it has any."""
        return read(self._known, self._values, name, *index)

    def scaled(self, filters: int, groups: int = 1) -> int:
        """``filters`` after the width multiplier."""
        return scaled(filters, self.value("width"), groups)

    def conv(
        self,
        name: str,
        source: str,
        filters: int,
        kernel: int,
        stride: int = 1,
        padding: Padding = "same",
        groups: int = 1,
    ) -> str:
        """A convolution, with biases only where no normalisation would take them out again."""
        bias = self.value("norm") == "none"
        return self.network.add(name, Conv(filters, kernel, stride, padding, groups, bias), source)

    def norm(self, name: str, source: str) -> str:
        """The normalisation, where there is one."""
        return self.network.add(f"{name}_norm", BatchNorm(), source) if self.value("norm") == "batch" else source

    def activation(self, name: str, source: str) -> str:
        """The nonlinearity alone."""
        return self.network.add(f"{name}_activation", Activation(self.value("activation")), source)

    def activated(self, name: str, source: str) -> str:
        """Normalisation and nonlinearity."""
        return self.activation(name, self.norm(name, source))

    def dropout(self, name: str, source: str) -> str:
        """Dropout, where there is any."""
        rate = float(self.value("dropout"))
        return self.network.add(f"{name}_dropout", Dropout(rate), source) if rate > 0 else source

    def check_stride(self, name: str, source: str, stride: int) -> None:
        """Infeasible where ``stride`` has nothing left to shrink: ``same`` would keep a 1x1 map for ever."""
        height, width, _ = self.network.shape(source)
        if stride > min(height, width):
            raise Infeasible(f"{name}: a stride of {stride} leaves nothing of its {height}x{width} map", "map vanishes")

    def halving_pool(self, name: str, source: str) -> str:
        """A 3x3 max pool that halves the map, unless the images are too small for it."""
        window = self.halvings.pool(3, 2)
        if window is None:
            return source
        size, stride = window
        self.check_stride(name, source, stride)
        return self.network.add(name, Pool("max", size, stride, "same"), source)

    def stem_conv(self) -> str:
        """The first convolution of a family in stages."""
        kernel, stride = self.halvings.conv(self.value("stem_kernel"), self.value("stem_stride"))
        self.check_stride("stem", INPUT, stride)
        return self.conv("stem", INPUT, self.scaled(self.value("stem_filters")), kernel, stride)

    def stem_pool(self, name: str, source: str) -> str:
        """A pool of the stem, where it has them."""
        return self.halving_pool(name, source) if self.value("stem_pool") == "max" else source

    def finish(self, source: str) -> Architecture:
        """The head of a family in stages: the mean of the last map, dropout, logits."""
        self.dropout("head", self.network.add("head", GlobalAveragePool(), source))
        return self.network.finish()
