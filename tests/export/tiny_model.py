"""A small .keras file of the form that training leaves, untrained."""

from pathlib import Path

from pipeline.study.model_metadata import ModelMetadata, write_metadata


def write_tiny_model(
    path: Path,
    classes: tuple[str, ...] = ("cat", "dog", "owl"),
    shape: tuple[int, int, int] = (8, 8, 1),
    bias: float = 2.0,
    weights: int = 1,
    **metadata,
) -> Path:
    """Pixels of any size in, probabilities out. The first class is the likelier the darker the image.

    With a ``bias`` of NaN they are NaN. ``weights`` is the seed of the others.
    """
    import keras

    from pipeline.training.pixels import as_raw_pixels

    height, width, channels = shape
    images = keras.Input((None, None, channels), dtype="float32", name="image")
    tensor = keras.layers.Resizing(height, width, antialias=True, name="resizing")(as_raw_pixels(images))
    tensor = keras.layers.Rescaling(1 / 255, name="rescaling")(tensor)
    tensor = keras.layers.Conv2D(4, 3, activation="relu", kernel_initializer="ones", name="conv")(tensor)
    tensor = keras.layers.GlobalAveragePooling2D(name="pool")(tensor)
    start = keras.initializers.RandomUniform(0.01, 0.2, seed=weights)
    logits = keras.layers.Dense(len(classes), kernel_initializer=start, name="dense")
    tensor = logits(tensor)
    probabilities = keras.layers.Softmax(dtype="float32", name="probabilities")(tensor)
    model = keras.Model(images, probabilities)
    kernel, biases = logits.get_weights()
    kernel[:, 0] *= -1
    biases[0] = bias
    logits.set_weights([kernel, biases])
    path.parent.mkdir(parents=True, exist_ok=True)
    model.save(path)
    details = {"dataset": "digits", "digest": "d", "seed": 3, "study": "s", "trial": 1} | metadata
    write_metadata(ModelMetadata(classes=classes, shape=shape, **details), path)
    return path
