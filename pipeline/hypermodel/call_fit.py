"""Calls a ``fit`` of a HyperModel's own as KerasTuner calls it."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import keras_tuner
import numpy as np
from numpy.typing import NDArray

from pipeline.data import Dataset
from pipeline.hypermodel.data_form import DataForm, Labels
from pipeline.hypermodel.source import HyperModelSource
from pipeline.training.class_weights import balanced_weights

Arrays = tuple[NDArray[np.float32], NDArray[Any]]
Rows = NDArray[np.int64]


def has_own_fit(hypermodel: Any) -> bool:
    """Whether it overrides ``keras_tuner.HyperModel.fit``."""
    return type(hypermodel).fit is not keras_tuner.HyperModel.fit


def class_weights(source: HyperModelSource, data: Dataset) -> dict[int, float] | None:
    """The weight of each class as Keras's ``fit`` takes them; None where all weigh the same."""
    if source.class_weight != "balanced":
        return None
    return dict(enumerate(balanced_weights(data.labels[data.train], len(data.classes)).tolist()))


def call_fit(
    hypermodel: Any,
    hp: Any,
    model: Any,
    data: Dataset,
    form: DataForm,
    rows: tuple[Rows, Rows],
    settings: dict[str, Any],
    has_begun: Callable[[], bool],
) -> None:
    """Calls ``fit`` as KerasTuner does: images and labels by position, ``validation_data`` and settings by keyword.

    ``rows`` are those for training and validation. Where the loss takes one-hot labels, a ``fit`` may want to make
    these itself: if it fails before it ``has_begun`` to train, it gets class numbers. Raises what ``fit`` raises.
    """
    forms = [form, replace(form, labels=Labels.NUMBERS)] if form.labels is Labels.ONE_HOT else [form]
    errors: list[Exception] = []
    for one in forms:
        training, validation = (one.arrays(data, part) for part in rows)
        try:
            return _call(hypermodel, hp, model, training, {"validation_data": validation, **settings}, has_begun)
        except Exception as error:
            errors.append(error)
            if has_begun():
                raise
    raise errors[0]


def _call(
    hypermodel: Any, hp: Any, model: Any, training: Arrays, settings: dict[str, Any], has_begun: Callable[[], bool]
) -> None:
    """KerasTuner passes on what was given to ``search``, which may or may not include ``epochs`` and ``verbose``.

    So a setting that ``fit`` does not take, or sets itself, is left out. Where it takes only keywords, images and
    labels are ``x`` and ``y``.
    """
    images: tuple[Any, ...] = training
    while True:
        try:
            hypermodel.fit(hp, model, *images, **settings)
            return
        except TypeError as error:
            about = str(error)
            misused = "multiple values" in about or "unexpected keyword" in about
            refused = next((name for name in settings if misused and f"'{name}'" in about), None)
            if has_begun():
                raise
            if refused is not None:
                del settings[refused]
            elif images and re.search(r"takes .* positional arguments? but .* given", about):
                images, settings = (), {"x": training[0], "y": training[1], **settings}
            else:
                raise
