"""Puts an exported model into MLflow's registry."""

import argparse
import re
from typing import TYPE_CHECKING

from pipeline.cli.types import flag_type
from pipeline.job.parsers import parse_model_name

if TYPE_CHECKING:
    from pipeline.cli.model_argument import ModelSource
    from pipeline.data import Dataset
    from pipeline.export.model_card import CardFacts
    from pipeline.export.samples import Samples
    from pipeline.tracking import Registration


def add_push(parser: argparse.ArgumentParser) -> None:
    """The flags ``--push`` and ``--register``."""
    alias = "register the model in MLflow as the next version, with this alias, such as champion"
    parser.add_argument("--push", metavar="ALIAS", type=_parse_alias, help=alias)
    name = "name in MLflow's registry for --push (default: that of the study)"
    parser.add_argument("--register", metavar="NAME", type=flag_type(parse_model_name), help=name)


def _parse_alias(text: str) -> str:
    """An alias as MLflow takes them: it keeps ``latest`` and ``v1``, ``v2`` and so on for itself."""
    if not re.fullmatch(r"[\w-]+", text, re.ASCII) or re.fullmatch(r"latest|v\d+", text, re.IGNORECASE):
        raise argparse.ArgumentTypeError(
            f"expected an alias such as champion, of letters, digits, - and _, but not latest or v1, got {text!r}"
        )
    return text


def check_pushable(model: "ModelSource") -> None:
    """JobError for a model without a score, by which versions are compared."""
    from pipeline.errors import JobError
    from pipeline.metrics import METRICS

    metadata = model.require_metadata()
    if metadata.score is None or metadata.metric not in METRICS:
        raise JobError(f"--push: {model.file} does not say its score; push the model of a study")


def push_model(
    model: "ModelSource", name: str | None, alias: str, data: "Dataset | None", samples: "Samples", facts: "CardFacts"
) -> str:
    """Registers the model as the next version of ``name`` with the alias; returns a sentence that says so.

    Without a name it is that of the study, or as a study of this data would call it. JobError if there is neither,
    TrackingError if MLflow refuses.
    """
    import tempfile
    from pathlib import Path

    from pipeline.console import status
    from pipeline.export.mlflow_model import required_packages, write
    from pipeline.tracking import push

    registration = _describe(model, name or _name_for(model, data), data, facts)
    with status("registering the model in MLflow"), tempfile.TemporaryDirectory(prefix="convtune-") as temporary:
        folder = Path(temporary) / "model"
        write(model.file, folder, samples.images[:1], required_packages())
        return push(folder, registration, alias)


def _describe(model: "ModelSource", name: str, data: "Dataset | None", facts: "CardFacts") -> "Registration":
    from pipeline.metrics import METRICS
    from pipeline.tracking import Registration

    metadata = model.require_metadata()
    assert metadata.score is not None
    scores = facts.evaluation["scores"] if facts.evaluation is not None and facts.on_test else {}
    return Registration(
        name=name,
        study=metadata.study,
        score=metadata.score,
        metric=METRICS[metadata.metric],
        digest=data.content if data is not None and data.digest == metadata.digest else "",
        tags={"study": metadata.study, "trial": str(metadata.trial)},
        data=metadata.dataset,
        params=facts.params,
        test_scores={metric: score for metric, score in scores.items() if score is not None},
    )


def _name_for(model: "ModelSource", data: "Dataset | None") -> str:
    from pipeline.errors import JobError
    from pipeline.job.request import read_job
    from pipeline.steps.best_model import registered_name

    wanted = "" if model.study is None else read_job(None, {"study": model.study.argument}).job.register
    if not wanted and data is None:
        raise JobError("--push: the name in the registry follows from the data, which is not at hand; give --register")
    return wanted if data is None else registered_name(wanted, data)
