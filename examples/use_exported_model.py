"""Classifies pictures with Keras alone; python examples/use_exported_model.py EXPORTS PICTURE..."""

import json
import sys
from pathlib import Path

import keras

folder, *pictures = map(Path, sys.argv[1:])
model = keras.saving.load_model(folder / "model.keras", compile=False)
labels = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
colours = {1: "grayscale", 3: "rgb"}[model.input_shape[-1]]

for picture in pictures:
    pixels = keras.utils.img_to_array(keras.utils.load_img(picture, color_mode=colours))  # 0..255, of any size
    probabilities = model.predict(pixels[None], verbose=0)[0]
    best = probabilities.argmax()
    print(f"{picture}: {labels[best]} ({probabilities[best]:.2f})")
