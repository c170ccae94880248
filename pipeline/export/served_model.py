"""The code inside the MLflow model, which MLflow runs where it is served: it needs no convtune there."""

import base64
import io
import json
import os
import runpy
import zipfile
from typing import Any

import keras
import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel


class ServedModel(PythonModel):
    """Pictures of any size in, one column of probabilities per class out."""

    def load_context(self, context: Any) -> None:
        """Loads the Keras model and the names of its classes, which are in its file."""
        file = context.artifacts["model"]
        self._model: Any = keras.saving.load_model(file, compile=False, safe_mode=True)
        with zipfile.ZipFile(file) as archive:
            metadata = json.loads(archive.read("convtune.json"))
        self._classes = metadata["classes"]
        self._form = "L" if metadata["shape"][2] == 1 else "RGB", metadata["white"]
        self._read_image = runpy.run_path(context.artifacts["read_image"])["read_image"]

    def predict(self, context: Any, model_input: np.ndarray, params: Any = None) -> pd.DataFrame:
        """The probabilities of pictures, uint8 (n, height, width, channels), or (n,) objects of different sizes.

        The parameter ``images`` has the bytes of image files in base64; then ``model_input``, which MLflow always
        wants, is not looked at.

        MLflow's server cuts the numbers of a request to whole ones, so that pixels from 0 to 1 arrive as zeros and
        ones, like pictures that are really black: it refuses both, and black pictures are answered as image files.
        Elsewhere MLflow refuses all that is not uint8.
        """
        if params and (files := [file for file in params.get("images", []) if file]):
            return self._answer([self._decode(file) for file in files])
        images = np.asarray(model_input)
        batches = [images] if images.ndim == 4 else [np.asarray(image)[None] for image in images]
        brightest = max((batch.max(initial=0) for batch in batches), default=0)
        if brightest <= 1 and os.environ.get("_MLFLOW_IS_IN_SERVING_ENVIRONMENT"):
            raise MlflowException.invalid_parameter_value(
                "expected pixels from 0 to 255 in inputs, or image files in base64 in params.images; got no such file, "
                "and no pixel above 1: multiply pixels from 0 to 1 by 255, send pictures that are black as image files"
            )
        return self._answer(batches)

    def _answer(self, batches: list[np.ndarray]) -> pd.DataFrame:
        probabilities = [self._model.predict(batch, verbose=0) for batch in batches]
        return pd.DataFrame(np.concatenate(probabilities), columns=self._classes)

    def _decode(self, file: str) -> np.ndarray:
        try:
            pixels: np.ndarray = self._read_image(io.BytesIO(base64.b64decode(file, validate=True)), *self._form)
        except ValueError as error:
            raise MlflowException.invalid_parameter_value(f"images: expected image files in base64: {error}") from None
        return pixels[None]


set_model(ServedModel())
