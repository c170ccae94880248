"""Classifies images: python predict_saved_model.py IMAGE... Needs TensorFlow and Pillow."""

import json
import sys
from pathlib import Path

import tensorflow as tf

from pipeline.export.read_image import read_image

folder = Path(__file__).parent
signature, classes = (json.loads((folder / f"{name}.json").read_bytes()) for name in ("signature", "labels"))
model = tf.saved_model.load(str(folder / "saved_model"))
for file in sys.argv[1:] or sys.exit(__doc__):
    try:
        pixels = read_image(file, signature["mode"], signature["white"])
    except ValueError as error:
        sys.exit(f"{file}: {error}")
    answer = model.signatures["serving_default"](images=tf.constant(pixels[None]))
    (probabilities,) = answer["probabilities"].numpy()
    print(f"{file}: {classes[probabilities.argmax()]} {probabilities.max():.4f}")
