"""Classifies images: python predict_litert.py IMAGE... Needs ai-edge-litert and Pillow."""

import json
import sys
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from pipeline.export.read_image import read_image

folder = Path(__file__).parent
signature, classes = (json.loads((folder / f"{name}.json").read_bytes()) for name in ("signature", "labels"))
own = signature["formats"][Path(__file__).stem.removeprefix("predict_")]
runner = Interpreter(str(folder / own["file"])).get_signature_runner()
for file in sys.argv[1:] or sys.exit(__doc__):
    try:
        pixels = read_image(file, signature["mode"], signature["white"], own["size"])
    except ValueError as error:
        sys.exit(f"{file}: {error}")
    (probabilities,) = runner(images=pixels[None].astype(np.float32))["probabilities"]
    print(f"{file}: {classes[probabilities.argmax()]} {probabilities.max():.4f}")
