"""SavedModels of somebody else that would do more than compute are refused before anything of them runs."""

import pytest
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from pipeline.errors import ModelError
from pipeline.export.saved_model import load

PIXELS = tf.TensorSpec((None, 4, 4, 1), tf.uint8, name="images")


def write(folder, act, initial=None):
    """A SavedModel whose signature calls ``act(images)`` first, and which runs ``initial`` while it is loaded."""

    @tf.function(input_signature=[PIXELS])
    def predict(images):
        act(images)
        return {"probabilities": tf.cast(images[:, 0, 0], tf.float32)}

    model = tf.Module()
    model.predict = predict
    if initial is not None:
        model.table = Resource(initial)
        model.used = tf.function(lambda: model.table.resource_handle, input_signature=[])
    tf.saved_model.save(model, str(folder), signatures={"serving_default": predict})
    return folder


class Resource(tf.saved_model.experimental.TrackableResource):
    """A table of which the loader makes a new one, and then does as ``initial`` says."""

    def __init__(self, initial):
        super().__init__()
        self.initial = initial

    def _create_resource(self):
        return tf.raw_ops.MutableHashTableV2(key_dtype=tf.int64, value_dtype=tf.int64)

    def _initialize(self):
        self.initial()


def nothing(images):
    """Computes only."""


def test_files_cannot_be_written_by_a_signature_or_by_what_it_calls(tmp_path):
    proof = str(tmp_path / "proof")
    acts = {
        "WriteFile": lambda images: tf.io.write_file(proof, "x"),
        "PrintV2": tf.function(lambda images: (tf.print("x", output_stream=f"file://{proof}"), 1)[1]),
        "DebugIdentityV2": lambda images: tf.raw_ops.DebugIdentityV2(input=images, debug_urls=[f"file://{proof}"]),
        "ReadFile": lambda images: tf.while_loop(
            lambda step: step < tf.strings.length(tf.io.read_file(__file__)), lambda step: [step + 1], [0]
        ),
        "EagerPyFunc": lambda images: tf.py_function(lambda: 1, [], tf.int64),
    }
    for operation, act in acts.items():
        with pytest.raises(ModelError, match="holds the operation "):
            load(write(tmp_path / operation, act))
    assert not (tmp_path / "proof").exists()


def test_files_cannot_be_written_while_it_is_loaded(tmp_path):
    proof = tmp_path / "proof"
    folder = write(tmp_path / "model", nothing, lambda: tf.io.write_file(str(proof), "x"))
    proof.unlink(missing_ok=True)
    with pytest.raises(ModelError, match="holds the operation WriteFile"):
        load(folder)
    assert not proof.exists()


def test_one_of_tensorflow_1_and_unknown_operations_are_refused(tmp_path):
    file = write(tmp_path / "model", nothing) / "saved_model.pb"
    content = file.read_bytes()
    model = SavedModel.FromString(content)
    model.meta_graphs[0].ClearField("object_graph_def")
    file.write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match="of TensorFlow 1"):
        load(file.parent)
    model = SavedModel.FromString(content)
    for function in model.meta_graphs[0].graph_def.library.function:
        function.node_def[0].op = "Un\x1bknown"
    file.write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match=r"holds the operation Un\\x1bknown"):
        load(file.parent)


def test_one_that_only_computes_is_loaded(tmp_path):
    predict = load(write(tmp_path / "model", nothing, lambda: tf.constant(1)))
    assert predict(tf.ones((2, 4, 4, 1), tf.uint8).numpy()).tolist() == [[1.0], [1.0]]
