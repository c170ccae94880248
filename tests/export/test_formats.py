"""What every export format promises."""

import ast
import json
import subprocess
import sys
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest

from pipeline.errors import ModelError
from pipeline.export import FORMATS, find_format
from pipeline.export.export_folder import script_text
from pipeline.export.samples import make_up_samples
from pipeline.study.model_metadata import read_metadata
from pipeline.training.predict import predict_arrays
from tests.export.added_format import ADDED
from tests.export.tiny_model import write_tiny_model

ALL = {**FORMATS, "added": ADDED}
ROUNDED_BY = {"onnx-float16": 0.005, "litert-float16": 0.005, "litert-int8": 0.1}
"""The largest difference of a probability that rounding a tiny model may make."""


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """In colour (``test_export`` has one in grey), with two more layers: of a hundred weights most is structure."""
    import keras

    from pipeline.study.model_metadata import write_metadata

    file = write_tiny_model(tmp_path_factory.mktemp("model") / "model.keras", shape=(8, 10, 3))
    metadata, tiny = read_metadata(file), keras.saving.load_model(file)
    wide = keras.layers.Dense(3)(keras.layers.Dense(400)(keras.layers.Dense(300)(tiny.layers[-3].output)))
    keras.Model(tiny.input, keras.layers.Softmax()(wide)).save(file)
    write_metadata(metadata, file)
    return file


@pytest.fixture(scope="module")
def written(model, tmp_path_factory):
    """The model in every format, by name."""
    folder = tmp_path_factory.mktemp("written")
    images = make_up_samples(read_metadata(model).shape).images
    for export_format in ALL.values():
        export_format.write(model, folder / export_format.file_name, images)
    return {name: folder / export_format.file_name for name, export_format in ALL.items()}


def pictures(shape):
    """8 images of the ``shape``, and 3 of a larger one."""
    height, width, channels = shape
    sizes = ((8, height, width, channels), (3, height + 5, 2 * width + 3, channels))
    return [np.random.default_rng(0).integers(0, 256, size, np.uint8) for size in sizes]


@pytest.mark.parametrize("name", ALL)
def test_it_gives_what_the_model_gives(name, model, written):
    export_format = ALL[name]
    predict = export_format.load(written[name])
    for images in pictures(read_metadata(model).shape)[: 2 if export_format.any_size else 1]:
        actual = predict(images)
        assert actual.dtype == np.float32
        tolerance = 1e-6 if export_format.exact else ROUNDED_BY[name]
        np.testing.assert_allclose(actual, predict_arrays(model, images), atol=tolerance)


@pytest.mark.parametrize("name", ALL)
def test_one_image_and_many(name, model, written):
    predict = ALL[name].load(written[name])
    images = pictures(read_metadata(model).shape)[0]
    np.testing.assert_allclose(predict(images[2:3]), predict(images)[2:3], atol=1e-6)


@pytest.mark.parametrize("name", ALL)
def test_it_holds_the_metadata(name, model, written):
    members = ALL[name].metadata(written[name])
    assert json.loads(json.dumps(members)) == json.loads(json.dumps(read_metadata(model).as_dict()))


@pytest.mark.parametrize("name", FORMATS)
def test_it_is_found(name, written, tmp_path):
    assert find_format(written[name]) is FORMATS[name]
    renamed = written[name].rename(tmp_path / f"renamed{written[name].suffix}")
    try:
        assert find_format(renamed) is FORMATS[name]
    finally:
        renamed.rename(written[name])
    assert find_format(tmp_path / FORMATS[name].file_name) is None


@pytest.mark.parametrize("name", ["onnx", "litert"])
def test_a_file_that_does_not_say_its_format_is_an_exact_one(name, tmp_path):
    (tmp_path / FORMATS[name].file_name).write_bytes(b"damaged")
    assert find_format(tmp_path / FORMATS[name].file_name) is FORMATS[name]


@pytest.mark.parametrize("name", FORMATS)
def test_it_takes_every_type_of_pixel_that_it_promises(name, model, written):
    """Those from 0 to 1 are known by their fractions; pixels of uint8 cannot have any."""
    predict = FORMATS[name].load(written[name])
    images = pictures(read_metadata(model).shape)[0]
    expected = predict(images)
    for pixel_type in FORMATS[name].pixel_types:
        np.testing.assert_allclose(predict(images.astype(pixel_type)), expected, atol=1e-5)
    if FORMATS[name].takes_fractions:
        np.testing.assert_allclose(predict(images / np.float32(255)), expected, atol=5e-3 if "16" in name else 1e-5)


def test_the_files_have_the_inputs_that_their_formats_promise(written):
    """Asked of the runtimes: the types of the pixels, and whether their number is fixed."""
    import onnxruntime
    import tensorflow as tf
    from ai_edge_litert.interpreter import Interpreter

    for name in ("onnx", "onnx-float16"):
        (given,) = onnxruntime.InferenceSession(written[name]).get_inputs()
        assert (given.type, FORMATS[name].pixel_types, given.shape[1:3]) == (
            "tensor(float)",
            ("float32",),
            ["height", "width"],
        )
    for name in ("litert", "litert-float16", "litert-int8"):
        given = Interpreter(str(written[name])).get_signature_runner().get_input_details()["images"]
        assert (given["dtype"].__name__,) == FORMATS[name].pixel_types
        assert (list(given["shape_signature"][1:3]) == [-1, -1]) == FORMATS[name].any_size
    signatures = tf.saved_model.load(str(written["saved-model"])).signatures.values()
    types = {signature.structured_input_signature[1]["images"].dtype.name for signature in signatures}
    assert types == set(FORMATS["saved-model"].pixel_types)


def test_a_rounded_file_is_smaller_where_weights_count(written):
    size = {name: file.stat().st_size for name, file in written.items() if file.is_file()}
    assert size["onnx-float16"] < 0.6 * size["onnx"]
    assert size["litert-float16"] < 0.6 * size["litert"]
    assert size["litert-int8"] < 0.4 * size["litert"]


def test_a_format_has_one_name():
    assert all(export_format.name == name for name, export_format in FORMATS.items())


def test_names_of_targets_differ():
    assert len({export_format.file_name for export_format in FORMATS.values()}) == len(FORMATS)


@pytest.mark.parametrize("name", FORMATS)
def test_its_script_is_short_and_needs_its_runtime_alone(name):
    export_format = FORMATS[name]
    text = script_text(export_format)
    assert len(text.splitlines()) <= 25
    runtime = {"keras": "keras", "saved": "tensorflow", "onnx": "onnxruntime", "litert": "ai_edge_litert"}
    assert foreign(text) - {"numpy"} == {runtime[name.split("-")[0]], "read_image"}
    assert foreign((files("pipeline.export") / "read_image.py").read_text()) == {"numpy", "PIL"}


def foreign(text):
    """The packages that a script imports beside Python's own."""
    imported = {
        alias.name.split(".")[0]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in (node.names if isinstance(node, ast.Import) else [ast.alias(node.module)])
    }
    return imported - set(sys.stdlib_module_names)


def test_a_runtime_that_is_missing_is_named_with_its_extra():
    without = replace(FORMATS["onnx"], runtime=("json", "no_such_runtime"), converter=("nor_such_converter",))
    with pytest.raises(ModelError, match=r"onnx needs no_such_runtime and nor_such_converter, which are not installed"):
        without.require(to_write=True)
    assert without.missing(to_write=True) == ["no_such_runtime", "nor_such_converter"]
    assert without.missing() == ["no_such_runtime"]
    with pytest.raises(ModelError, match=r"`pip install 'convtune\[onnx\]'`"):
        without.require()
    FORMATS["keras"].require()


def test_the_table_can_be_read_without_a_library():
    heavy = {"keras", "tensorflow", "numpy", "mlflow", "optuna", "yaml", "onnx", "onnxruntime", "ai_edge_litert"}
    code = f"import sys, pipeline.export; print(*({heavy} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == ""
