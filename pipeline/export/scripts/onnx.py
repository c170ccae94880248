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

for file in sys.argv[1:]:
    image = ImageOps.exif_transpose(Image.open(file)).convert("RGBA")
    image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert(signature["mode"])
    pixels = np.asarray(image, np.float32).reshape(1, image.height, image.width, -1)
    probabilities = session.run(None, {"images": pixels})[0][0]
    best = probabilities.argmax()
    print(f"{file}: {classes[best]} {probabilities[best]:.4f}")
