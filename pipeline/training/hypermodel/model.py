"""What somebody else's model is: its inputs and labels, its costs, what tells it apart, and how users get it."""

import hashlib
import json
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from pipeline.training.hypermodel.task import Shape
from pipeline.training.keras_model import are_probabilities, call_macs, flat_calls, graph, takes_raw_pixels


class Unfit(Exception):
    """Why a model cannot be trained here; ``kind`` is the reason without its numbers."""

    def __init__(self, reason: str, kind: str) -> None:
        super().__init__(reason)
        self.kind = kind


def finish(model: Any, shape: Shape) -> None:
    """Gives a model that was made without an input its weights, for images of ``shape``."""
    if not model.built:
        model.build((None, *shape))


def check(model: Any, shape: Shape, classes: int) -> None:
    """Unfit unless ``model`` can be trained on images of ``shape`` of so many classes, and then be saved."""
    inputs, outputs = getattr(model, "inputs", None), getattr(model, "outputs", None)
    if not inputs or not outputs:
        name = type(model).__name__
        raise Unfit(f"{name} is no graph of layers; expected a Sequential or keras.Model(inputs, outputs)", "no graph")
    if len(inputs) > 1 or len(outputs) > 1:
        found = f"it has {len(inputs)} inputs and {len(outputs)} outputs"
        raise Unfit(f"{found}; expected one of each", "several inputs or outputs")
    _check_input(tuple(inputs[0].shape[1:]), shape)
    given = tuple(outputs[0].shape[1:])
    if given != (classes,):
        found = f"its output has shape {_shown(given)}"
        raise Unfit(f"{found}; expected one value for each of the data's {classes} classes", "output of another shape")
    if not model.compiled or model.loss is None:
        raise Unfit("it is not compiled; call model.compile(optimizer, loss, metrics) in build", "not compiled")
    if foreign := _foreign(_config(model)):
        what = f"{foreign} is not Keras's own"
        raise Unfit(f"{what}, so the saved model could not be loaded without your file", what)


def _check_input(taken: tuple[int | None, ...], shape: Shape) -> None:
    if len(taken) == 3 and all(size in (None, have) for size, have in zip(taken, shape, strict=True)):
        return
    advice = "expected images, height x width x channels"
    if len(taken) == 3 and taken[2] in (None, shape[2]):
        height, width = (size or have for size, have in zip(taken[:2], shape[:2], strict=True))
        advice = f"give --image-size {height}x{width}"
    elif len(taken) == 3:
        advice = f"expected {shape[2]} channels"
    found = f"it takes inputs of shape {_shown(taken)} and the images are {_shown(shape)}"
    raise Unfit(f"{found}; {advice}", "inputs of another shape")


def macs(model: Any) -> int | None:
    """Multiply-accumulates for one image; None where those of one of its layers are not known before training."""
    total = 0
    for node in flat_calls(model):
        counted = call_macs(node.operation, node.input_tensors[0].shape[1:], node.outputs[0].shape[1:])
        if counted is None:
            return None
        total += counted
    return total


def key(model: Any, more: Any = None) -> str:
    """24 hex digits that are equal for equal models compiled alike; ``more`` is what else tells them apart."""
    content = [type(model).__name__, _config(model), model.get_compile_config(), more]
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:24]


def sparse(model: Any) -> bool:
    """Whether the compiled loss takes class numbers; every other one gets one-hot labels."""
    loss = model.loss
    if isinstance(loss, dict | list | tuple):
        loss = next(iter(loss.values() if isinstance(loss, dict) else loss))
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
    return "sparse" in str(name).lower()


def labels(numbers: NDArray[np.int64], classes: int, whole: bool) -> NDArray[Any]:
    """Class numbers int64 (n,) as they are (``whole``), or one-hot float32 (n, classes)."""
    return numbers if whole else np.eye(classes, dtype=np.float32)[numbers]


def divisor(model: Any) -> float:
    """What pixels are divided by: 1 where the model takes whole numbers or scales them itself, else 255."""
    operations = (node.operation for node in flat_calls(model))
    return 1.0 if takes_raw_pixels(model.inputs[0].dtype, operations) else 255.0


def served(model: Any, shape: Shape, pixels: NDArray[np.float32]) -> Any:
    """``model`` as users get it: images uint8 (n, any, any, channels) in, probabilities (n, classes) out.

    It resizes to ``shape`` and scales as ``divisor`` says. A softmax is added unless what the model gives for
    ``pixels``, images as it was trained with, are probabilities already.
    """
    height, width, channels = shape
    image = keras.Input((None, None, channels), dtype="uint8", name="any_image")
    resizing = keras.layers.Resizing(
        height,
        width,
        antialias=True,  # as the images that it was trained with
        data_format="channels_last",
        dtype="float32",
        name="to_the_shape_trained_with",
    )
    scaling = keras.layers.Rescaling(1 / divisor(model), dtype="float32", name="as_trained_with")
    outputs = model.call(scaling(resizing(image)))  # call: its layers become the served model's own
    if not are_probabilities(np.asarray(model.predict(pixels, verbose=0))):
        outputs = keras.layers.Softmax(dtype="float32", name="probabilities")(outputs)
    return keras.Model(image, outputs)


def _config(model: Any) -> dict[str, Any]:
    config: dict[str, Any] = graph(model).get_config()
    return config


def _foreign(config: Any) -> str:
    """The first thing in a model's configuration that Keras alone could not load, or ""."""
    if isinstance(config, dict):
        module, name = config.get("module"), config.get("class_name")
        if name in ("Lambda", "__lambda__"):
            return "a lambda"
        if name == "function":  # Keras writes its own by their name alone
            return f"the function {config.get('config')}"
        if name and not name.startswith("__") and str(module).split(".")[0] != "keras":
            return str(name)
    if isinstance(config, dict | list | tuple):
        parts = config.values() if isinstance(config, dict) else config
        return next((found for part in parts if (found := _foreign(part))), "")
    return ""


def _shown(shape: Any) -> str:
    return "x".join("any" if size is None else str(size) for size in shape) or "()"
