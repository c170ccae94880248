"""Classifies images: python predict_keras.py IMAGE... Needs Keras with a backend, and Pillow."""

import json
import sys
from pathlib import Path

import keras
import numpy as np
from PIL import Image, ImageOps

folder = Path(__file__).parent
signature = json.loads((folder / "signature.json").read_text("utf-8"))
classes = json.loads((folder / "labels.json").read_text("utf-8"))
model = keras.saving.load_model(folder / "model.keras", compile=False)

for file in sys.argv[1:]:
    image = ImageOps.exif_transpose(Image.open(file)).convert("RGBA")
    image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert(signature["mode"])
    pixels = np.asarray(image).reshape(1, image.height, image.width, -1)
    (probabilities,) = model.predict(pixels, verbose=0)
    best = probabilities.argmax()
    print(f"{file}: {classes[best]} {probabilities[best]:.4f}")
