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


def push_model(
    model: "ModelSource", name: str, alias: str, data: "Dataset | None", samples: "Samples", facts: "CardFacts"
) -> str:
    """Registers the model as the next version of ``name`` with the alias; returns a sentence that says so.

    ``name`` is that of the study if it is "". TrackingError if MLflow refuses.
    """
    import tempfile
    from pathlib import Path

    from pipeline.console import status
    from pipeline.errors import StudyError
    from pipeline.export.mlflow_model import required_packages, write
    from pipeline.study.fingerprint import read_fingerprint
    from pipeline.tracking import push

    try:
        run = read_fingerprint(model.study).run if model.study is not None else ""
    except StudyError:  # the registry needs it only to show where the model comes from
        run = ""
    registration = _describe(model, name, data, facts)
    with status("registering the model in MLflow"), tempfile.TemporaryDirectory(prefix="convtune-") as temporary:
        folder = Path(temporary) / "model"
        write(model.file, folder, samples.images[:1], required_packages())
        return push(folder, registration, alias, run)


def _describe(model: "ModelSource", name: str, data: "Dataset | None", facts: "CardFacts") -> "Registration":
    from pipeline.errors import JobError
    from pipeline.metrics import METRICS
    from pipeline.tracking import Registration

    metadata = model.require_metadata()
    if metadata.score is None or metadata.metric not in METRICS:
        raise JobError(f"--push: {model.file} does not say its score; register the model of a study")
    scores = facts.evaluation["scores"] if facts.evaluation is not None and facts.on_test else {}
    return Registration(
        name=name or _registered_as(model),
        study=metadata.study,
        score=metadata.score,
        metric=METRICS[metadata.metric],
        digest=data.content if data is not None and data.digest == metadata.digest else "",
        tags={"study": metadata.study, "trial": str(metadata.trial)},
        data=metadata.dataset,
        params=facts.params,
        test_scores={metric: score for metric, score in scores.items() if score is not None},
    )


def _registered_as(model: "ModelSource") -> str:
    """The name under which the study has registered its best model, else one made from the data's name."""
    import json

    try:
        assert model.study is not None
        noted = json.loads(model.study.evaluation.read_text(encoding="utf-8"))["best_model"]["registered_as"]
    except (AssertionError, OSError, ValueError, KeyError, TypeError):
        noted = ""
    return str(noted) or re.sub("[/:]", "-", f"convtune-{model.require_metadata().dataset}")
