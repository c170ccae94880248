"""What the file of a new format must offer: here the model's structure and its weights, both as JSON."""

import json

from pipeline.export import ExportFormat


def write(model_file, target):
    """Writes a JSON file."""
    from pipeline.training.save import load

    model = load(model_file)
    weights = [array.tolist() for array in model.get_weights()]
    target.write_text(json.dumps({"structure": model.to_json(), "weights": weights}))


def run(target, images):
    """Builds the model from the file and predicts."""
    import keras
    import numpy as np

    content = json.loads(target.read_text())
    model = keras.models.model_from_json(content["structure"])
    model.set_weights([np.array(array) for array in content["weights"]])
    return model.predict(images, verbose=0)


ADDED = ExportFormat("added", "model.json", write, run, usage="cat {path}")
