"""The formats that a model can be exported to. A new one is a file beside this one and a line here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.export import keras_file, saved_model


@dataclass(frozen=True)
class Format:
    """``write(model_file, target)`` makes ``target``, a file or a folder, from a ``.keras`` file with its card.

    ``run(target, images)`` loads what was written in its own runtime and gives the probabilities, float32
    (n, classes), of images uint8 (n, height, width, channels). Its libraries are imported in these two only.
    ``name`` is what the target is called, ``use`` a line that shows how to use it, with ``{path}`` in it.
    """

    name: str
    write: Callable[[Path, Path], None]
    run: Callable[[Path, NDArray[np.uint8]], NDArray[np.float32]]
    use: str


FORMATS: Mapping[str, Format] = {
    "keras": Format("model.keras", keras_file.write, keras_file.run, keras_file.USE),
    "saved_model": Format("saved_model", saved_model.write, saved_model.run, saved_model.USE),
}
