"""Converts our values to MLflow's: params, metrics, tags and a dataset, cut to the lengths that MLflow accepts."""

import json
import re
from collections.abc import Mapping
from typing import Any

from mlflow.entities import Dataset as MlflowDataset
from mlflow.entities import DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.utils.validation import (
    MAX_DATASET_DIGEST_SIZE,
    MAX_DATASET_NAME_SIZE,
    MAX_DATASET_PROFILE_SIZE,
    MAX_PARAM_VAL_LENGTH,
    MAX_TAG_VAL_LENGTH,
)

from pipeline.study.data_facts import DataFacts


def to_text(value: object) -> str:
    """A string as it is, anything else as JSON; what JSON cannot express as the JSON of its ``str``.

    >>> to_text("plain"), to_text(True), to_text({"blocks": 2})
    ('plain', 'true', '{"blocks": 2}')
    """
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)


def to_params(values: Mapping[str, object]) -> list[Param]:
    """MLflow's params. Values that are None are left out, long ones are cut."""
    texts = {allowed_name(name): to_text(value) for name, value in values.items() if value is not None}
    return [Param(name, text[:MAX_PARAM_VAL_LENGTH]) for name, text in texts.items()]


def to_metrics(values: Mapping[str, float | None], now: int, step: int = 0) -> list[Metric]:
    """MLflow's metrics at ``now`` (milliseconds since 1970). Values that are None are left out, NaN is kept."""
    return [Metric(allowed_name(name), float(value), now, step) for name, value in values.items() if value is not None]


def to_tags(values: Mapping[str, object]) -> list[RunTag]:
    """MLflow's tags. Values that are None or empty are left out, long ones are cut."""
    texts = {name: to_text(value) for name, value in values.items() if value not in (None, "")}
    return [RunTag(name, text[:MAX_TAG_VAL_LENGTH]) for name, text in texts.items()]


def to_dataset_input(dataset: DataFacts) -> DatasetInput:
    """The dataset of a run. The digest is cut to the 36 characters of MLflow's column."""
    return DatasetInput(
        MlflowDataset(
            name=dataset.name[:MAX_DATASET_NAME_SIZE],
            digest=dataset.digest[:MAX_DATASET_DIGEST_SIZE],
            source_type="local",
            source=json.dumps({"uri": dataset.source}),
            schema=json.dumps({"mlflow_tensorspec": _schema(dataset.shape)}),
            profile=json.dumps(_profile(dataset))[:MAX_DATASET_PROFILE_SIZE],
        ),
        [InputTag("mlflow.data.context", "training")],
    )


def allowed_name(name: str) -> str:
    """``name`` with ``-`` for each character that MLflow refuses; a HyperModel's names may hold any."""
    return re.sub(r"[^\w\-. :/]", "-", name)


def _schema(shape: tuple[int, int, int]) -> dict[str, str]:
    """As ``mlflow.data.schema.TensorDatasetSchema`` writes it: each side is JSON inside JSON."""
    images = {"type": "tensor", "tensor-spec": {"dtype": "uint8", "shape": [-1, *shape]}}
    labels = {"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}
    return {"features": json.dumps([images]), "targets": json.dumps([labels])}


def _profile(dataset: DataFacts) -> dict[str, Any]:
    return {**dataset.sizes, "classes": list(dataset.classes)}
