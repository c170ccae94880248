"""Classifies images: python predict_litert.py IMAGE... Needs ai-edge-litert and Pillow."""

import json
import sys
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image, ImageOps

folder = Path(__file__).parent
signature = json.loads((folder / "signature.json").read_text("utf-8"))
classes = json.loads((folder / "labels.json").read_text("utf-8"))
own = signature["formats"][Path(__file__).stem.removeprefix("predict_")]
runner = Interpreter(str(folder / own["file"])).get_signature_runner()
for file in sys.argv[1:] or sys.exit(__doc__):
    image = ImageOps.exif_transpose(Image.open(file))
    if image.mode[0] in "IF":  # more than 8 bits a pixel
        image = Image.fromarray(np.clip(np.asarray(image) * (255 / signature["white"]), 0, 255).round().astype("uint8"))
    white = Image.new("RGBA", image.size, "white")
    image = Image.alpha_composite(white, image.convert("RGBA")).convert(signature["mode"])
    image = image.resize(own["size"], Image.Resampling.BILINEAR) if own["size"] else image
    pixels = np.asarray(image, np.float32).reshape(1, image.height, image.width, -1)
    probabilities = runner(images=pixels)["probabilities"][0]
    print(f"{file}: {classes[probabilities.argmax()]} {probabilities.max():.4f}")
