"""ONNX: one file for onnxruntime and many others, with the metadata in its properties."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.export.export_format import FORMAT, IMAGES, PROBABILITIES, ExportFormat
from pipeline.study.model_metadata import MEMBER, read_metadata

if TYPE_CHECKING:
    from pipeline.arrays import Images, Probabilities

_OPSET = 17
"""The version of ONNX's operations: that of 2022, which runtimes of today all know."""

_AXES = ("batch", "height", "width")
"""The names of the axes of any length."""


def write(model_file: Path, target: Path, images: "Images") -> None:
    """Writes the model as it computes, in float32."""
    _write(model_file, target, "onnx", half=False)


def write_float16(model_file: Path, target: Path, images: "Images") -> None:
    """Writes the model with weights in float16, which also computes in float16 after resizing."""
    _write(model_file, target, "onnx-float16", half=True)


def _write(model_file: Path, target: Path, name: str, half: bool) -> None:
    import onnx
    import tf2onnx
    from keras.src.export.tf2onnx_lib import patch_tf2onnx

    from pipeline.export.portable import portable_function

    patch_tf2onnx()  # Keras's own, without which tf2onnx fails with NumPy 2
    function = portable_function(model_file, half)
    model, _ = tf2onnx.convert.from_graph_def(
        function.graph.as_graph_def(),
        input_names=[function.inputs[0].name],
        output_names=[function.outputs[0].name],
        tensors_to_rename={function.inputs[0].name: IMAGES, function.outputs[0].name: PROBABILITIES},
        opset=_OPSET,
        custom_op_handlers={"Erfc": (_replace_erfc, [])},
    )
    (image,), (probabilities,) = model.graph.input, model.graph.output
    for value, axes in ((image, _AXES), (probabilities, _AXES[:1])):
        for axis, length in zip(value.type.tensor_type.shape.dim, axes, strict=False):
            axis.dim_param = length
    properties = {MEMBER: json.dumps(read_metadata(model_file).as_dict()), FORMAT: name}
    onnx.helper.set_model_props(model, properties)
    onnx.save(model, target)


def _replace_erfc(graph: Any, node: Any, name: str, arguments: Any) -> None:
    """Writes 1 - erf(x) for erfc(x), which GELU has in TensorFlow; ONNX has no such operation and tf2onnx leaves it."""
    import numpy as np

    (source,), (output,) = node.input, node.output
    dtype, shape = graph.get_dtype(output), graph.get_shape(output)
    graph.remove_node(node.name)
    erf = graph.make_node("Erf", [source], dtypes=[dtype], shapes=[shape])
    one = graph.make_const(f"{name}_one", np.array(1, _numpy_type(dtype)))
    graph.make_node("Sub", [one.output[0], erf.output[0]], name=name, outputs=[output], dtypes=[dtype], shapes=[shape])


def _numpy_type(dtype: int) -> Any:
    import onnx

    return onnx.helper.tensor_dtype_to_np_dtype(dtype)


def load(target: Path) -> "Callable[[Images], Probabilities]":
    """Loads the file with onnxruntime alone."""
    import numpy as np

    session = _session(target)

    def predict(images: "Images") -> "Probabilities":
        (probabilities,) = session.run(None, {IMAGES: images.astype(np.float32)})
        return np.asarray(probabilities, np.float32)

    return predict


def metadata(target: Path) -> dict[str, Any]:
    """The property of the file."""
    members: dict[str, Any] = json.loads(_properties(target)[MEMBER])
    return members


def stored_name(target: Path) -> str:
    """The name of the format that the file was written in."""
    return str(_properties(target)[FORMAT])


def _properties(target: Path) -> Any:
    return _session(target).get_modelmeta().custom_metadata_map


def _session(target: Path) -> Any:
    import onnxruntime

    onnxruntime.set_default_logger_severity(3)  # errors only
    return onnxruntime.InferenceSession(target, providers=["CPUExecutionProvider"])


ONNX = ExportFormat(
    "onnx",
    "model.onnx",
    ("float32",),
    "onnx.py",
    lambda path: path.suffix == ".onnx" and path.is_file(),
    write,
    load,
    metadata,
    stored_name=stored_name,
    runtime=("onnxruntime",),
    converter=("onnx", "tf2onnx"),
    extra="onnx",
)

ONNX_FLOAT16 = replace(ONNX, name="onnx-float16", file_name="model_float16.onnx", write=write_float16, exact=False)
