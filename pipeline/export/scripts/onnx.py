"""Classifies images: python predict_onnx.py IMAGE... Needs onnxruntime and Pillow."""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

folder = Path(__file__).parent
signature = json.loads((folder / "signature.json").read_text("utf-8"))
classes = json.loads((folder / "labels.json").read_text("utf-8"))
file_name = signature["formats"][Path(__file__).stem.removeprefix("predict_")]["file"]
session = onnxruntime.InferenceSession(folder / file_name)
for file in sys.argv[1:] or sys.exit(__doc__):
    image = ImageOps.exif_transpose(Image.open(file))
    if image.mode[0] in "IF":  # more than 8 bits a pixel
        image = Image.fromarray(np.clip(np.asarray(image) * (255 / signature["white"]), 0, 255).round().astype("uint8"))
    white = Image.new("RGBA", image.size, "white")
    image = Image.alpha_composite(white, image.convert("RGBA")).convert(signature["mode"])
    pixels = np.asarray(image, np.float32).reshape(1, image.height, image.width, -1)
    probabilities = session.run(None, {"images": pixels})[0][0]
    best = probabilities.argmax()
    print(f"{file}: {classes[best]} {probabilities[best]:.4f}")
