"""TensorFlow's SavedModel: a folder that runs without Keras, with the metadata as ``assets.extra/convtune.json``."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.export.export_format import IMAGES, PROBABILITIES, ExportFormat
from pipeline.export.saved_model_check import check_operations
from pipeline.study.model_metadata import MEMBER, read_metadata

if TYPE_CHECKING:
    from pipeline.arrays import Images, Probabilities

SIGNATURES = {"uint8": "serving_default", "float32": "serving_float32"}
"""The signature for each type of pixel; TensorFlow's own tools call the first."""

_EXTRA = "assets.extra"
"""The folder that TensorFlow leaves to others."""


def write(model_file: Path, target: Path, images: "Images") -> None:
    """``images`` (n, height, width, channels) of any size to ``probabilities`` (n, classes), one signature per type."""
    import tensorflow as tf
    from keras.export import ExportArchive

    from pipeline.training.save import load

    metadata = read_metadata(model_file)
    model = load(model_file)
    archive = ExportArchive()
    archive.track(model)
    for pixels, signature in SIGNATURES.items():
        spec = tf.TensorSpec((None, None, None, metadata.shape[2]), pixels, name=IMAGES)
        archive.add_endpoint(signature, lambda images: {PROBABILITIES: model(images, training=False)}, [spec])
    archive.write_out(str(target), verbose=False)
    extra = target / _EXTRA
    extra.mkdir()
    (extra / MEMBER).write_text(json.dumps(metadata.as_dict(), indent=1), encoding="utf-8")


def load(target: Path) -> "Callable[[Images], Probabilities]":
    """Loads the folder with TensorFlow alone; the function calls the signature for the type of the pixels.

    ModelError for one that would do more than compute: see ``check_operations``.
    """
    import tensorflow as tf

    check_operations(target)
    model = tf.saved_model.load(str(target))  # its variables live as long as it does

    def predict(images: "Images") -> "Probabilities":
        signature = model.signatures[SIGNATURES[images.dtype.name]]
        probabilities: Probabilities = signature(**{IMAGES: tf.constant(images)})[PROBABILITIES].numpy()
        return probabilities

    return predict


def metadata(target: Path) -> dict[str, Any]:
    """The JSON in the folder that TensorFlow leaves to others."""
    members: dict[str, Any] = json.loads((target / _EXTRA / MEMBER).read_text(encoding="utf-8"))
    return members


SAVED_MODEL = ExportFormat(
    "saved-model",
    "saved_model",
    tuple(SIGNATURES),
    "saved_model.py",
    lambda path: (path / "saved_model.pb").is_file(),
    write,
    load,
    metadata,
)
