"""The data that an export proves its files on, and what a model card says of it and of the model's study."""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.cli.model_argument import ModelSource
    from pipeline.data import Dataset
    from pipeline.executors import Executor
    from pipeline.export.model_card import CardFacts
    from pipeline.export.samples import Samples
    from pipeline.job.job import Job


def find_data(model: "ModelSource", source: str | None, quiet: bool, needed_by: str = "") -> "Dataset | None":
    """The data that ``source`` names, else that of the model's study; None, after a warning, if there is none.

    DataError if ``source`` cannot be read, ModelError if its classes are not the model's, or if there is none and
    ``needed_by`` names a format that is calibrated.
    """
    from pipeline.console import warn
    from pipeline.errors import DataError, JobError, ModelError, StudyError

    if source is not None:
        return _load(model, source, quiet)
    if model.study is None:
        reason = f"{model.file} does not say where its data is"
    else:
        try:
            return _load(model, _job_of(model).data, quiet)
        except (DataError, JobError, ModelError, StudyError) as error:
            reason = f"the data of study {model.study.name} cannot be used ({error})"
    advice = "name the data with --data"
    if needed_by:
        raise ModelError(f"{needed_by} is calibrated with training images, but {reason}; {advice}")
    warn(f"{reason}, so the files are proven on made-up images, and the card has no scores; {advice}")
    return None


def _load(model: "ModelSource", source: str, quiet: bool) -> "Dataset":
    from pipeline.console import warn
    from pipeline.data.listing_notes import name_some
    from pipeline.data.load_with_progress import load_with_progress
    from pipeline.errors import ModelError

    metadata = model.require_metadata()
    height, width, channels = metadata.shape
    data = load_with_progress(
        source, (height, width), metadata.seed, quiet, channels, white=metadata.white, for_training=False
    )
    if data.classes != metadata.classes:
        expected = f"expected data with the classes of the model, {name_some(list(metadata.classes))}"
        raise ModelError(f"{source}: {expected}, got {name_some(list(data.classes))}")
    if data.digest != metadata.digest:
        warn(f"{source} is not the data that the model was trained on ({metadata.dataset}), or has changed since")
    return data


def samples_of(model: "ModelSource", data: "Dataset | None") -> "Samples":
    """The images that the files are proven on: of the data, or made up."""
    from pipeline.export.samples import choose_samples, make_up_samples

    return make_up_samples(model.require_metadata().shape) if data is None else choose_samples(data)


def card_facts(model: "ModelSource", data: "Dataset | None", worker: "Executor") -> "CardFacts":
    """Measures the model on the test images (without any: the validation images) and describes its study."""
    from pipeline.executors import call
    from pipeline.export.model_card import CardFacts
    from pipeline.metrics.evaluation import evaluate
    from pipeline.training.task import PredictDataset

    evaluation, measured_on = None, "its data was not at hand"
    if data is not None:
        rows, kind = (data.test, "test") if len(data.test) else (data.validation, "validation")
        probabilities = call(worker, PredictDataset(model.runnable(), data, rows))
        evaluation = evaluate(data.labels[rows], probabilities, data.classes).as_dict()
        measured_on = f"the {len(rows):,} {kind} images of {data.name}"
    params, search, command = _describe_study(model) if model.study is not None else ({}, "", "")
    return CardFacts(
        evaluation, measured_on, params, search, command, on_test=data is not None and bool(len(data.test))
    )


def _describe_study(model: "ModelSource") -> tuple[Mapping[str, Any], str, str]:
    from pipeline.search.optuna_study import load_trials

    assert model.study is not None
    job, (_, records, _) = _job_of(model), load_trials(model.study.argument)
    trial = model.require_metadata().trial
    params = next((record.params for record in records if record.number == trial), {})
    searched = f"The study had {len(records):,} trials of the space {job.space} ({job.search} search)."
    return (
        params,
        searched,
        shlex.join(["convtune", "tune", *_flags(replace(job, data=model.require_metadata().dataset))]),
    )


def _job_of(model: "ModelSource") -> "Job":
    from pipeline.job.request import read_stored_job

    assert model.study is not None
    return read_stored_job(model.study)


def _flags(job: "Job") -> Iterator[str]:
    """The flags that ask for the job; without its study, which has begun already."""
    for key, value in job.as_file().items():
        for one in value if isinstance(value, list) else [value]:
            if key != "study":
                yield f"--{key.replace('_', '-')}"
                yield ",".join(f"{k}={v}" for k, v in one.items()) if isinstance(one, dict) else str(one)
