"""Classifies images: python predict_onnx.py IMAGE... Needs onnxruntime and Pillow."""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime

from pipeline.export.read_image import read_image

folder = Path(__file__).parent
signature, classes = (json.loads((folder / f"{name}.json").read_bytes()) for name in ("signature", "labels"))
own = signature["formats"][Path(__file__).stem.removeprefix("predict_")]
session = onnxruntime.InferenceSession(folder / own["file"])
for file in sys.argv[1:] or sys.exit(__doc__):
    try:
        pixels = read_image(file, signature["mode"], signature["white"])
    except ValueError as error:
        sys.exit(f"{file}: {error}")
    probabilities = session.run(None, {"images": pixels[None].astype(np.float32)})[0][0]
    print(f"{file}: {classes[probabilities.argmax()]} {probabilities.max():.4f}")
