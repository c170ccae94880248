"""Classifies images: python predict_litert.py IMAGE... Needs ai-edge-litert and Pillow."""

import json
import sys
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image, ImageOps

folder = Path(__file__).parent
signature, classes = (json.loads((folder / f"{name}.json").read_bytes()) for name in ("signature", "labels"))
own = signature["formats"][Path(__file__).stem.removeprefix("predict_")]
runner = Interpreter(str(folder / own["file"])).get_signature_runner()
for file in sys.argv[1:] or sys.exit(__doc__):
    try:
        image = ImageOps.exif_transpose(Image.open(file))
    except OSError as error:
        sys.exit(f"{file}: {error}")
    if image.mode[0] in "IF":  # more than 8 bits a pixel
        image = Image.fromarray(np.clip(np.asarray(image) * (255 / signature["white"]), 0, 255).round().astype("uint8"))
    image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    image = image.convert(signature["mode"]).resize(own["size"] or image.size, Image.Resampling.BILINEAR)
    (probabilities,) = runner(images=np.atleast_3d(np.asarray(image, np.float32))[None])["probabilities"]
    print(f"{file}: {classes[probabilities.argmax()]} {probabilities.max():.4f}")
