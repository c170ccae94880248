"""A model that a HyperModel has built: whether it can be trained, its costs, its loss."""

import hashlib
import json
from typing import Any

from pipeline.data.decode import Shape
from pipeline.hypermodel.own_functions import use_own_functions
from pipeline.hypermodel.source import UntrainableError
from pipeline.training.keras_model import count_macs, flat_calls, graph


def create_weights(model: Any, shape: Shape) -> None:
    """Creates the weights of a model that was defined without an input shape, for images of ``shape``."""
    if not model.built:
        model.build((None, *shape))


def check_trainable(model: Any, shape: Shape, classes: int) -> None:
    """UntrainableError unless the model can be saved, and trained on images of ``shape`` in that many classes."""
    inputs, outputs = getattr(model, "inputs", None), getattr(model, "outputs", None)
    if not inputs or not outputs:
        name = type(model).__name__
        raise UntrainableError(
            f"{name} is not a graph of layers; expected a Sequential or keras.Model(inputs, outputs)", "no graph"
        )
    if len(inputs) > 1 or len(outputs) > 1:
        counts = f"it has {len(inputs)} inputs and {len(outputs)} outputs"
        raise UntrainableError(f"{counts}; expected one of each", "several inputs or outputs")
    _check_input(tuple(inputs[0].shape[1:]), shape)
    output_shape = tuple(outputs[0].shape[1:])
    if output_shape != (classes,) and (output_shape, classes) != ((1,), 2):
        raise UntrainableError(
            f"its output has shape {_format_shape(output_shape)};"
            f" expected one value for each of the data's {classes} classes",
            "output of another shape",
        )
    if not model.compiled or model.loss is None:
        raise UntrainableError(
            "it is not compiled; call model.compile(optimizer, loss, metrics) in build", "not compiled"
        )
    if output_shape == (1,):
        _check_one_output(model)
    use_own_functions(model)
    if foreign := _find_foreign(_config(model)):
        kind = f"{foreign} is not Keras's own"
        raise UntrainableError(f"{kind}, so the saved model could not be loaded without your file", kind)


def _check_one_output(model: Any) -> None:
    """UntrainableError unless the one output for two classes is a probability or the logit of one."""
    activation = getattr(model.outputs[0]._keras_history.operation, "activation", None)
    if "binary" not in loss_name(model) and "sigmoid" not in (getattr(activation, "__name__", ""), loss_name(model)):
        raise UntrainableError(
            "its one output for two classes is not known to be a probability; expected a sigmoid, or the loss"
            " keras.losses.BinaryCrossentropy(from_logits=True)",
            "one output without a sigmoid",
        )


def _check_input(expected: tuple[int | None, ...], shape: Shape) -> None:
    if len(expected) == 3 and all(size in (None, given) for size, given in zip(expected, shape, strict=True)):
        return
    advice = "expected images, height x width x channels"
    if len(expected) == 3 and expected[2] in (None, shape[2]):
        height, width = (size or given for size, given in zip(expected[:2], shape[:2], strict=True))
        advice = f"give --image-size {height}x{width}"
    elif len(expected) == 3:
        advice = f"expected {shape[2]} channels"
    shapes = f"it takes inputs of shape {_format_shape(expected)} and the images are {_format_shape(shape)}"
    raise UntrainableError(f"{shapes}; {advice}", "inputs of another shape")


def count_model_macs(model: Any) -> int | None:
    """Multiply-accumulates for one image; None if they cannot be counted for one of the layers."""
    total = 0
    for node in flat_calls(model):
        macs = count_macs(node.operation, node.input_tensors[0].shape[1:], node.outputs[0].shape[1:])
        if macs is None:
            return None
        total += macs
    return total


def compute_key(model: Any, extra: Any = None) -> str:
    """24 hex digits, equal for models with equal layers, compile settings and ``extra`` (plain values)."""
    content = [type(model).__name__, _config(model), model.get_compile_config(), extra]
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:24]


def loss_of(model: Any) -> Any:
    """The loss that a model was compiled with: a name, a function or a ``keras.Loss``."""
    loss = model.loss
    if isinstance(loss, dict | list | tuple):
        return next(iter(loss.values() if isinstance(loss, dict) else loss))
    return loss


def loss_name(model: Any) -> str:
    """The name of the loss in small letters, such as ``binary_crossentropy`` or ``binarycrossentropy``."""
    loss = loss_of(model)
    return str(loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)).lower()


def _config(model: Any) -> dict[str, Any]:
    config: dict[str, Any] = graph(model).get_config()
    return config


def _find_foreign(config: Any) -> str:
    """The first part of a model's configuration that Keras alone could not load, "" if there is none."""
    if isinstance(config, dict):
        module, name = config.get("module"), config.get("class_name")
        if name in ("Lambda", "__lambda__"):
            return "a lambda"
        if name == "function":  # for its own functions, Keras writes only the name
            return f"the function {str(config.get('config')).removesuffix('_v2')}"
        if name and not name.startswith("__") and str(module).split(".")[0] != "keras":
            return str(name)
    if isinstance(config, dict | list | tuple):
        parts = config.values() if isinstance(config, dict) else config
        return next((foreign for part in parts if (foreign := _find_foreign(part))), "")
    return ""


def _format_shape(shape: Any) -> str:
    return "x".join("any" if size is None else str(size) for size in shape) or "()"
