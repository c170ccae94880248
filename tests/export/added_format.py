"""What the file of a new format must offer: here the model's structure and its weights, both as JSON."""

import json

from pipeline.export import ExportFormat


def write(model_file, target, images):
    """Writes a JSON file."""
    from pipeline.study.model_metadata import read_metadata
    from pipeline.training.save import load

    model = load(model_file)
    weights = [array.tolist() for array in model.get_weights()]
    content = {"structure": model.to_json(), "weights": weights, "metadata": read_metadata(model_file).as_dict()}
    target.write_text(json.dumps(content))


def load(target):
    """Builds the model from the file."""
    import keras
    import numpy as np

    content = json.loads(target.read_text())
    model = keras.models.model_from_json(content["structure"])
    model.set_weights([np.array(array) for array in content["weights"]])
    return lambda images: model.predict(images, verbose=0)


def metadata(target):
    """The metadata beside the structure."""
    return json.loads(target.read_text())["metadata"]


ADDED = ExportFormat(
    "added",
    "model.json",
    ("uint8",),
    "keras.py",
    lambda path: path.suffix == ".json" and path.is_file(),
    write,
    load,
    metadata,
)
