"""Our values as MLflow's: parameters, metrics, tags, a dataset; cut to the lengths that MLflow takes."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.utils.validation import (
    MAX_DATASET_DIGEST_SIZE,
    MAX_DATASET_NAME_SIZE,
    MAX_DATASET_PROFILE_SIZE,
    MAX_PARAM_VAL_LENGTH,
    MAX_TAG_VAL_LENGTH,
)


@dataclass(frozen=True)
class StudyInfo:
    """What a study's run says of it: its job, and its dataset with the images of train, validation and test."""

    name: str
    job: Mapping[str, object]
    dataset_name: str
    dataset_source: str
    dataset_digest: str
    dataset_shape: tuple[int, int, int]
    classes: tuple[str, ...]
    sizes: tuple[int, int, int]


def text(value: object) -> str:
    """A word as it is, anything else as JSON (what JSON does not know: as its ``str``)."""
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)


def params(values: Mapping[str, object]) -> list[Param]:
    """Values that are None are left out, long ones cut."""
    known = {_name(key): text(value)[:MAX_PARAM_VAL_LENGTH] for key, value in values.items() if value is not None}
    return [Param(key, value) for key, value in known.items()]


def metrics(values: Mapping[str, float | None], now: int, step: int = 0) -> list[Metric]:
    """As of ``now`` (milliseconds since 1970); values that are None are left out, NaN is kept."""
    return [Metric(_name(key), float(value), now, step) for key, value in values.items() if value is not None]


def _name(key: str) -> str:
    """The key with ``-`` for what MLflow's names cannot hold: a HyperModel's may hold anything."""
    return re.sub(r"[^\w\-. :/]", "-", key)


def tags(values: Mapping[str, object]) -> list[RunTag]:
    """Values that are None or empty are left out, long ones cut."""
    return [RunTag(key, text(value)[:MAX_TAG_VAL_LENGTH]) for key, value in values.items() if value not in (None, "")]


def dataset_input(info: StudyInfo) -> DatasetInput:
    """The study's dataset; its digest is cut to the 36 characters of MLflow's column."""
    dataset = Dataset(
        name=info.dataset_name[:MAX_DATASET_NAME_SIZE],
        digest=info.dataset_digest[:MAX_DATASET_DIGEST_SIZE],
        source_type="local",
        source=json.dumps({"uri": info.dataset_source}),
        schema=json.dumps({"mlflow_tensorspec": _schema(info.dataset_shape)}),
        profile=json.dumps(_profile(info))[:MAX_DATASET_PROFILE_SIZE],
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])


def _schema(shape: tuple[int, int, int]) -> dict[str, str]:
    """As ``mlflow.data.schema.TensorDatasetSchema`` writes it: each side is JSON inside JSON."""
    images = {"type": "tensor", "tensor-spec": {"dtype": "uint8", "shape": [-1, *shape]}}
    labels = {"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}
    return {"features": json.dumps([images]), "targets": json.dumps([labels])}


def _profile(info: StudyInfo) -> dict[str, Any]:
    train, validation, test = info.sizes
    return {"train": train, "validation": validation, "test": test, "classes": list(info.classes)}
