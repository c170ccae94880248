"""Classifies images: python predict_keras.py IMAGE... Needs Keras with a backend, and Pillow."""

import json
import sys
from pathlib import Path

import keras

from pipeline.export.read_image import read_image

folder = Path(__file__).parent
signature, classes = (json.loads((folder / f"{name}.json").read_bytes()) for name in ("signature", "labels"))
model = keras.saving.load_model(folder / "model.keras", compile=False)
for file in sys.argv[1:] or sys.exit(__doc__):
    try:
        pixels = read_image(file, signature["mode"], signature["white"])
    except ValueError as error:
        sys.exit(f"{file}: {error}")
    (probabilities,) = model.predict(pixels[None], verbose=0)
    print(f"{file}: {classes[probabilities.argmax()]} {probabilities.max():.4f}")
