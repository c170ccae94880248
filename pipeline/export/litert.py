"""LiteRT, once called TensorFlow Lite: one file for phones and small boards, with the metadata inside."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.export.export_format import FORMAT, IMAGES, PROBABILITIES, ExportFormat
from pipeline.study.model_metadata import MEMBER, read_metadata

if TYPE_CHECKING:
    from pipeline.arrays import Images, Probabilities

_IDENTIFIER = b"TFL3"
"""The identifier of the format in a FlatBuffers file."""


def write(model_file: Path, target: Path, images: "Images") -> None:
    """Writes the model as it computes, in float32."""
    from pipeline.export.portable import portable_function

    _write(model_file, target, "litert", portable_function(model_file))


def write_float16(model_file: Path, target: Path, images: "Images") -> None:
    """Writes the weights in float16; processors without it compute in float32."""
    import tensorflow as tf

    from pipeline.export.portable import portable_function

    def half(converter: Any) -> None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]

    _write(model_file, target, "litert-float16", portable_function(model_file), half)


def write_int8(model_file: Path, target: Path, images: "Images") -> None:
    """Writes weights and activations in int8, calibrated with ``images``; pixels and probabilities stay float32.

    It takes pixels from 0 to 255, and images of the network's own size only.
    """
    import numpy as np
    import tensorflow as tf

    from pipeline.export.portable import portable_core

    def quantise(converter: Any) -> None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([image[None].astype(np.float32)] for image in images)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]

    _write(model_file, target, "litert-int8", portable_core(model_file), quantise)


def _write(
    model_file: Path, target: Path, name: str, function: Any, change: Callable[[Any], None] = lambda converter: None
) -> None:
    """Converts ``function`` to the format ``name``, with ``change`` of the converter's settings."""
    import flatbuffers
    import tensorflow as tf
    from ai_edge_litert import schema_py_generated as schema

    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], tf.Module())
    change(converter)
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(converter.convert(), 0))
    _add_metadata(model, MEMBER, json.dumps(read_metadata(model_file).as_dict()))
    _add_metadata(model, FORMAT, name)
    _add_signature(model)
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), _IDENTIFIER)
    target.write_bytes(builder.Output())


def _add_metadata(model: Any, name: str, content: str) -> None:
    from ai_edge_litert import schema_py_generated as schema

    entry, buffer = schema.MetadataT(), schema.BufferT()
    entry.name, entry.buffer, buffer.data = name, len(model.buffers), content.encode()
    model.metadata = [*(model.metadata or []), entry]
    model.buffers.append(buffer)


def _add_signature(model: Any) -> None:
    """Gives input and output their names. The converter does so only where it goes by way of a SavedModel."""
    from ai_edge_litert import schema_py_generated as schema

    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = "serving_default", 0
    graph = model.subgraphs[0]
    signature.inputs, signature.outputs = _named(IMAGES, graph.inputs[0]), _named(PROBABILITIES, graph.outputs[0])
    model.signatureDefs = [signature]


def _named(name: str, tensor: int) -> list[Any]:
    from ai_edge_litert import schema_py_generated as schema

    entry = schema.TensorMapT()
    entry.name, entry.tensorIndex = name, tensor
    return [entry]


def load(target: Path) -> "Callable[[Images], Probabilities]":
    """Loads the file with LiteRT alone."""
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(str(target)).get_signature_runner()

    def predict(images: "Images") -> "Probabilities":
        return np.asarray(runner(**{IMAGES: images.astype(np.float32)})[PROBABILITIES], np.float32)

    return predict


def metadata(target: Path) -> dict[str, Any]:
    """The metadata in the file's own list of such."""
    members: dict[str, Any] = json.loads(_read_metadata(target, MEMBER))
    return members


def stored_name(target: Path) -> str:
    """The name of the format that the file was written in."""
    return _read_metadata(target, FORMAT).decode()


def _read_metadata(target: Path, name: str) -> bytes:
    from ai_edge_litert import schema_py_generated as schema

    model = schema.Model.GetRootAs(target.read_bytes(), 0)
    entries = [model.Metadata(number) for number in range(model.MetadataLength())]
    entry = next(entry for entry in entries if entry.Name().decode() == name)
    return bytes(model.Buffers(entry.Buffer()).DataAsNumpy())


LITERT = ExportFormat(
    "litert",
    "model.tflite",
    ("float32",),
    "litert.py",
    lambda path: path.suffix == ".tflite" and path.is_file(),
    write,
    load,
    metadata,
    stored_name=stored_name,
    runtime=("ai_edge_litert",),
    converter=("flatbuffers",),
    extra="litert",
)

LITERT_FLOAT16 = replace(
    LITERT, name="litert-float16", file_name="model_float16.tflite", write=write_float16, exact=False
)

LITERT_INT8 = replace(
    LITERT,
    name="litert-int8",
    file_name="model_int8.tflite",
    write=write_int8,
    any_size=False,
    exact=False,
    calibrated=True,
)
