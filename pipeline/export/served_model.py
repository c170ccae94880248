"""The code inside the MLflow model, which MLflow runs where it is served: it needs no convtune there."""

import json
import os
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
            self._classes = json.loads(archive.read("convtune.json"))["classes"]

    def predict(self, context: Any, model_input: np.ndarray, params: Any = None) -> pd.DataFrame:
        """The probabilities of pictures, uint8 (n, height, width, channels), or (n,) objects of different sizes.

        MLflow's server cuts the numbers of a request to whole ones, so that pixels from 0 to 1 arrive as zeros and
        ones. It refuses them, and entirely black pictures with them. Elsewhere MLflow refuses all that is not uint8.
        """
        images = np.asarray(model_input)
        batches = [images] if images.ndim == 4 else [np.asarray(image)[None] for image in images]
        brightest = max((batch.max(initial=0) for batch in batches), default=0)
        if brightest <= 1 and os.environ.get("_MLFLOW_IS_IN_SERVING_ENVIRONMENT"):
            raise MlflowException.invalid_parameter_value(
                "expected pixels from 0 to 255, got none above 1; multiply pixels from 0 to 1 by 255"
            )
        probabilities = [self._model.predict(batch, verbose=0) for batch in batches]
        return pd.DataFrame(np.concatenate(probabilities), columns=self._classes)


set_model(ServedModel())
