"""TensorFlow's SavedModel: a folder that runs without Keras, with the metadata as ``assets.extra/convtune.json``."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.export.export_format import ExportFormat
from pipeline.study.model_metadata import MEMBER

if TYPE_CHECKING:
    from pipeline.export.export_format import Images, Probabilities

SIGNATURE = "serving_default"
"""The name of the signature that TensorFlow's own tools call."""

OUTPUT = "probabilities"
"""The name of the signature's output."""


_EXTRA = "assets.extra"
"""The folder that TensorFlow leaves to others."""


def write(model_file: Path, target: Path) -> None:
    """One signature: ``images`` uint8 (n, height, width, channels) of any size to ``probabilities`` (n, classes)."""
    import tensorflow as tf
    from keras.export import ExportArchive

    from pipeline.study.model_metadata import read_metadata
    from pipeline.training.save import load

    metadata = read_metadata(model_file)
    model = load(model_file)
    archive = ExportArchive()
    archive.track(model)
    archive.add_endpoint(
        SIGNATURE,
        lambda images: {OUTPUT: model(images, training=False)},
        [tf.TensorSpec((None, None, None, metadata.shape[2]), tf.uint8, name="images")],
    )
    archive.write_out(str(target), verbose=False)
    extra = target / _EXTRA
    extra.mkdir()
    (extra / MEMBER).write_text(json.dumps(metadata.as_dict(), indent=1), encoding="utf-8")


def load(target: Path) -> "Callable[[Images], Probabilities]":
    """Loads the folder with TensorFlow alone; the function calls its signature."""
    import tensorflow as tf

    signature = tf.saved_model.load(str(target)).signatures[SIGNATURE]

    def predict(images: "Images") -> "Probabilities":
        probabilities: Probabilities = signature(images=tf.constant(images))[OUTPUT].numpy()
        return probabilities

    return predict


def metadata(target: Path) -> dict[str, Any]:
    """The JSON in the folder that TensorFlow leaves to others."""
    members: dict[str, Any] = json.loads((target / _EXTRA / MEMBER).read_text(encoding="utf-8"))
    return members


SAVED_MODEL = ExportFormat(
    "saved-model",
    "saved_model",
    lambda path: (path / "saved_model.pb").is_file(),
    write,
    load,
    metadata,
    usage=f"saved_model_cli show --dir {{path}} --tag_set serve --signature_def {SIGNATURE}",
)
