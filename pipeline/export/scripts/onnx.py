"""Classifies images: python predict_onnx.py IMAGE... Needs onnxruntime and Pillow."""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

folder = Path(__file__).parent
signature, classes = (json.loads((folder / f"{name}.json").read_bytes()) for name in ("signature", "labels"))
file_name = signature["formats"][Path(__file__).stem.removeprefix("predict_")]["file"]
session = onnxruntime.InferenceSession(folder / file_name)
for file in sys.argv[1:] or sys.exit(__doc__):
    try:
        image = ImageOps.exif_transpose(Image.open(file))
    except OSError as error:
        sys.exit(f"{file}: {error}")
    if image.mode[0] in "IF":  # more than 8 bits a pixel
        image = Image.fromarray(np.clip(np.asarray(image) * (255 / signature["white"]), 0, 255).round().astype("uint8"))
    image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    pixels = np.asarray(image.convert(signature["mode"]), np.float32).reshape(1, image.height, image.width, -1)
    probabilities = session.run(None, {"images": pixels})[0][0]
    print(f"{file}: {classes[probabilities.argmax()]} {probabilities.max():.4f}")
