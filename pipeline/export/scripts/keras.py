"""Classifies images: python predict_keras.py IMAGE... Needs Keras with a backend, and Pillow."""

import json
import sys
from pathlib import Path

import keras
import numpy as np
from PIL import Image, ImageOps

folder = Path(__file__).parent
signature, classes = (json.loads((folder / f"{name}.json").read_bytes()) for name in ("signature", "labels"))
model = keras.saving.load_model(folder / "model.keras", compile=False)
for file in sys.argv[1:] or sys.exit(__doc__):
    try:
        image = ImageOps.exif_transpose(Image.open(file))
    except OSError as error:
        sys.exit(f"{file}: {error}")
    if image.mode[0] in "IF":  # more than 8 bits a pixel
        image = Image.fromarray(np.clip(np.asarray(image) * (255 / signature["white"]), 0, 255).round().astype("uint8"))
    image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    pixels = np.asarray(image.convert(signature["mode"])).reshape(1, image.height, image.width, -1)
    (probabilities,) = model.predict(pixels, verbose=0)
    best = probabilities.argmax()
    print(f"{file}: {classes[best]} {probabilities[best]:.4f}")
