"""TensorFlow's SavedModel: a folder that runs without Keras, with the card as ``assets.extra/convtune.json``."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline import model_card

USE = "saved_model_cli show --dir {path} --tag_set serve --signature_def serving_default"
SIGNATURE = "serving_default"
OUTPUT = "probabilities"


def write(model_file: Path, target: Path) -> None:
    """One signature: ``images`` uint8 (n, height, width, channels) of any size to ``probabilities`` (n, classes)."""
    import tensorflow as tf
    from keras.export import ExportArchive

    from pipeline.training.save import load

    model, card = load(model_file), model_card.get(model_file)
    archive = ExportArchive()
    archive.track(model)
    archive.add_endpoint(
        SIGNATURE,
        lambda images: {OUTPUT: model(images, training=False)},
        [tf.TensorSpec((None, None, None, card.shape[2]), tf.uint8, name="images")],
    )
    archive.write_out(str(target), verbose=False)
    extra = target / "assets.extra"  # a folder that TensorFlow keeps for others' files
    extra.mkdir()
    (extra / model_card.MEMBER).write_text(json.dumps(card.as_dict(), indent=1), encoding="utf-8")


def run(target: Path, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Loads the folder by TensorFlow alone and calls the signature."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(target))
    found: NDArray[np.float32] = loaded.signatures[SIGNATURE](images=tf.constant(images))[OUTPUT].numpy()
    return found
