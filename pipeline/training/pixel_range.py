"""The range in which the pixels of images enter a model: 0 to 255 if it scales them itself, else 0 to 1. In workers."""

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from pipeline.data.decode import Shape
from pipeline.training.keras_model import flat_calls, graph, has_graph, to_array
from pipeline.training.pixel_form import AUTO, PIXEL_RANGES, PixelForm, UnclearPixelsError

_STATISTICS = (keras.layers.Normalization, keras.layers.BatchNormalization)
"""Layers whose weights are statistics of what they are given: an untrained one tells what it does to pixels."""

_NEAR = 1.5
"""A model that takes 0 to 1 maps some pixel from -0.5 to 1.5 to zero: x - 0.5, ImageNet's means around 0.45."""
_SMALL, _LARGE = 1 / 16, 1 / 2
"""A model that takes 0 to 255 multiplies by at most the first (1/255, 1/127.5, 1/58), one for 0 to 1 by the second."""
_LATE = 50
"""Behind a layer with weights, where no pixel can be followed, division by so much is meant for 0 to 255."""
_TOLERANCE = 1e-3
"""How far a pixel that is handed on unchanged may be from what it was: 16-bit types round."""
_PART, _WHOLE = PIXEL_RANGES


def choose_pixels(model: Any, shape: Shape, requested: str = AUTO) -> PixelForm:
    """The range for a model of images of ``shape``: the ``requested`` one, else what the model itself says.

    Images of zeros and of ones run through the model up to its first layer with weights to learn. What reaches that
    layer shows how pixels are scaled and shifted on the way, whatever layers, operations and nested models do it; one
    that normalizes does so by the statistics that it has. The ``value_range`` of a layer that augments the images
    before that says it too. UnclearPixelsError if neither tells, or pixels are scaled only behind that layer.
    """
    if keras.backend.is_int_dtype(model.inputs[0].dtype):
        return PixelForm(_WHOLE, "it takes whole numbers")
    if requested != AUTO:
        return PixelForm(requested, "as --pixels asks")
    walk = _Walk()
    levels = np.stack([np.zeros(shape, np.float32), np.ones(shape, np.float32)])
    try:
        walk.run(model, keras.ops.convert_to_tensor(levels, model.inputs[0].dtype))
    except _LearnedLayer as reached:
        if walk.declared is None and _is_unchanged(reached.tensor) and (late := _scaling_for_whole(model)):
            raise _not_clear(f"{late} behind layers with weights") from None
        return _judge(reached.tensor, walk)
    return PixelForm(_PART, "it does not rescale them")


def find_unadapted(model: Any) -> str:
    """The name of a ``Normalization`` without statistics of any data that nothing rescales for, "" if there is none.

    Those of ``keras.applications`` without trained weights follow a ``Rescaling``, which is enough.
    """
    for node in flat_calls(model):
        layer = node.operation
        if isinstance(layer, keras.layers.Rescaling):
            return ""
        if isinstance(layer, keras.layers.Normalization) and _is_unadapted(layer):
            return str(layer.name)
    return ""


class _LearnedLayer(Exception):
    """Raised at the first layer with weights to learn, with the tensor that enters it."""

    def __init__(self, tensor: Any) -> None:
        super().__init__()
        self.tensor = tensor


class _Walk:
    """Runs a model layer by layer, without augmentation, and notes what may scale the pixels."""

    def __init__(self) -> None:
        self.declared: tuple[str, str] | None = None
        self._names: list[str] = []

    def run(self, model: Any, tensor: Any) -> Any:
        """The output of the model for ``tensor``; _LearnedLayer before the first layer with weights."""
        functional = model if isinstance(model, keras.Function) else graph(model)
        return functional._run_through_graph([tensor], operation_fn=self._step)  # Keras has no public way

    @property
    def scaling(self) -> str:
        """The layers and operations that have changed the pixels."""
        return ", ".join(dict.fromkeys(self._names)) or "first layer"

    def _step(self, operation: Any) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            tensor = keras.tree.flatten((args, kwargs))[0]
            if has_graph(operation):
                return self.run(operation, tensor)
            if getattr(operation, "weights", ()) and not isinstance(operation, _STATISTICS):
                raise _LearnedLayer(tensor)
            self._note_range(operation, tensor)
            if getattr(operation, "_call_has_training_arg", False):
                kwargs["training"] = False
            returned = operation(*args, **kwargs)
            if not _is_unchanged(returned, _levels(tensor)):
                self._names.append(type(operation).__name__)
            return returned

        return call

    def _note_range(self, operation: Any, tensor: Any) -> None:
        declared = getattr(operation, "value_range", None)
        if self.declared is None and isinstance(declared, list | tuple) and _is_unchanged(tensor):
            known = {(0, 255): _WHOLE, (0, 1): _PART}.get((declared[0], declared[1]))
            self.declared = (known, type(operation).__name__) if known else None


def _judge(tensor: Any, walk: _Walk) -> PixelForm:
    if walk.declared is not None:
        known, name = walk.declared
        return PixelForm(known, f"its {name} has the value_range {known.replace('..', ' to ')}")
    if _is_unchanged(tensor):
        return PixelForm(_PART, "it does not rescale them")
    zero, one = _levels(tensor)
    slope = one - zero
    if abs(zero) > _NEAR * abs(slope) or abs(slope) <= _SMALL:
        return PixelForm(_WHOLE, f"it rescales them itself ({walk.scaling})")
    if abs(slope) >= _LARGE:
        return PixelForm(_PART, f"its {walk.scaling} suits such pixels")
    raise _not_clear(walk.scaling)


def _not_clear(scaling: str) -> UnclearPixelsError:
    return UnclearPixelsError(f"it is not clear whether its {scaling} is for pixels of 0 to 1 or of 0 to 255")


def _is_unadapted(layer: Any) -> bool:
    given = layer.input_mean is not None
    return not given and not to_array(layer.adapt_mean).any() and bool((to_array(layer.adapt_variance) == 1).all())


def _scaling_for_whole(model: Any) -> str:
    """The class of a layer or operation, anywhere in the model, that scales as for pixels of 0 to 255; "" for none."""
    for node in flat_calls(model):
        factors = list(_factors(node))
        if any(0 < factor <= 1 / _LATE for factor in factors):
            return type(node.operation).__name__
    return ""


def _factors(node: Any) -> Iterator[float]:
    """The constants by which a call multiplies, as positive numbers."""
    operation, name = node.operation, type(node.operation).__name__
    if isinstance(operation, keras.layers.Rescaling):
        yield float(np.abs(operation.scale).max())
    elif isinstance(operation, keras.layers.Normalization) and not operation.invert:
        yield float(1 / np.sqrt(np.maximum(to_array(operation.variance).mean(), _TOLERANCE)))
    elif name in ("Multiply", "TrueDivide", "Divide"):
        for part in keras.tree.flatten((node.arguments.args, node.arguments.kwargs)):
            if isinstance(part, int | float | np.ndarray | np.generic) and (size := float(np.abs(part).max())):
                yield size if name == "Multiply" else 1 / size


def _levels(tensor: Any) -> tuple[float, float]:
    """The median values of the images of zeros and of ones, which padding does not change; NaN unless there are two."""
    values: NDArray[np.float32] = to_array(tensor)
    if values.ndim == 0 or len(values) != 2:
        return np.nan, np.nan
    return float(np.median(values[0])), float(np.median(values[1]))


def _is_unchanged(tensor: Any, before: tuple[float, float] = (0.0, 1.0)) -> bool:
    return bool(np.allclose(_levels(tensor), before, rtol=0, atol=_TOLERANCE, equal_nan=True))
