"""The facts of a model card beside the files: the scores of the model, and the study that it comes from."""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.cli.model_argument import ModelSource
    from pipeline.data import Dataset
    from pipeline.executors import Executor
    from pipeline.export.model_card import CardFacts
    from pipeline.job.job import Job


def card_facts(model: "ModelSource", data: "Dataset | None", worker: "Executor") -> "CardFacts":
    """Measures the model on the test images (without any: the validation images) and describes its study."""
    from pipeline.executors import call
    from pipeline.export.model_card import CardFacts
    from pipeline.metrics.evaluation import evaluate
    from pipeline.training.task import PredictDataset

    study = _describe_study(model)
    if data is None:
        return CardFacts(None, "its data was not at hand", **study)
    rows, kind = (data.test, "test") if len(data.test) else (data.validation, "validation")
    probabilities = call(worker, PredictDataset(model.runnable(), data, rows))
    evaluation = evaluate(data.labels[rows], probabilities, data.classes).as_dict()
    own = model.is_of(data)
    measured_on = f"the {len(rows):,} {kind} images of {data.name}{'' if own else ', not the data of its training'}"
    return CardFacts(evaluation, measured_on, on_test=own and bool(len(data.test)), **study)


def _describe_study(model: "ModelSource") -> dict[str, Any]:
    """The fields of ``CardFacts`` that say how the model came about; none for a model whose study was not named."""
    from pipeline.console import warn_without
    from pipeline.job.request import read_stored_job
    from pipeline.report.evaluated_model import read_evaluated_model
    from pipeline.search.optuna_study import load_trials
    from pipeline.steps.register_model import caveat

    if model.study is None:
        return {}
    metadata, job = model.require_metadata(), read_stored_job(model.study)
    _, records, _ = load_trials(model.study.argument)
    record = next((record for record in records if record.number == metadata.trial), None)
    versions: Mapping[str, str] = {}
    with warn_without("versions of packages in the model card"):
        versions = evaluated.versions if (evaluated := read_evaluated_model(model.study)) else {}
    return {
        "params": record.params if record else {},
        "caveat": caveat(record) if record else "",
        "search": f"The study had {len(records):,} trials of the space {job.space} ({job.search} search).",
        "command": shlex.join(["convtune", "tune", *_flags(replace(job, data=metadata.dataset))]),
        "versions": versions,
    }


def _flags(job: "Job") -> Iterator[str]:
    """The flags that ask for the job; without its study, which has begun already."""
    for key, value in job.as_file().items():
        for one in value if isinstance(value, list) else [value]:
            flag = f"--{key.replace('_', '-')}"
            text = ",".join(f"{k}={_text(v)}" for k, v in one.items()) if isinstance(one, dict) else str(one)
            if key != "study":
                yield from (f"{flag}={text}",) if text.startswith("-") else (flag, text)


def _text(value: Any) -> str:
    """The value of a hyperparameter or a limit as ``parse_assignments`` reads it: a list without quotes."""
    return f"[{','.join(map(_text, value))}]" if isinstance(value, list) else str(value)
