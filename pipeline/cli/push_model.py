"""Puts an exported model into MLflow's registry."""

import argparse
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.cli.types import flag_type
from pipeline.job.parsers import parse_model_name

if TYPE_CHECKING:
    from pipeline.cli.model_argument import ModelSource
    from pipeline.data import Dataset
    from pipeline.export.model_card import CardFacts
    from pipeline.export.samples import Samples
    from pipeline.tracking import Registration, Tracker


def add_push(parser: argparse.ArgumentParser) -> None:
    """The flags ``--push`` and ``--register``."""
    alias = "register the model in MLflow as the next version, with this alias, such as champion"
    parser.add_argument("--push", metavar="ALIAS", type=_parse_alias, help=alias)
    name = "name in MLflow's registry for --push (default: that of the study)"
    parser.add_argument("--register", metavar="NAME", type=flag_type(parse_model_name), help=name)


def _parse_alias(text: str) -> str | None:
    """An alias as MLflow takes them: it keeps ``latest`` and ``v1``, ``v2`` and so on for itself. None for none."""
    if text and (not re.fullmatch(r"[\w-]+", text, re.ASCII) or re.fullmatch(r"latest|v\d+", text, re.IGNORECASE)):
        raise argparse.ArgumentTypeError(
            f"expected an alias such as champion, of letters, digits, - and _, but not latest or v1, got {text!r}"
        )
    return text or None


@dataclass(frozen=True)
class Push:
    """A model on its way to a store of MLflow's that has answered: ``name`` and ``alias`` are those that it will have.

    ``score`` is the model's, by which versions are compared.
    """

    model: "ModelSource"
    name: str
    alias: str
    score: float
    tracker: "Tracker"

    def send(self, data: "Dataset | None", samples: "Samples", facts: "CardFacts") -> str:
        """Registers the model; returns a sentence that says so. TrackingError if MLflow refuses."""
        import tempfile
        from contextlib import closing
        from pathlib import Path

        from pipeline.console import status
        from pipeline.export.mlflow_model import required_packages, write

        own = data if data is not None and self.model.is_of(data) else None
        registration = self._describe(own, facts)
        with (
            status("registering the model in MLflow"),
            closing(self.tracker),
            tempfile.TemporaryDirectory(prefix="convtune-") as temporary,
        ):
            folder = Path(temporary) / "model"
            write(self.model.file, folder, samples.images[:1], required_packages())
            return self.tracker.push(folder, registration, self.alias, own)

    def _describe(self, own: "Dataset | None", facts: "CardFacts") -> "Registration":
        """The registration of the model; ``own`` is the data that it was trained on, None if that is not at hand."""
        from pipeline.metrics import METRICS
        from pipeline.tracking import Registration

        metadata, study = self.model.require_metadata(), self.model.study
        return Registration(
            name=self.name,
            study=metadata.study if study is None else study.argument,
            score=self.score,
            metric=METRICS[metadata.metric],
            digest=self._content(own),
            tags={"study": metadata.study, "trial": str(metadata.trial)},
            caveat=facts.caveat,
            data=metadata.dataset,
            test_scores=facts.test_scores,
            params=facts.params,
            channels=metadata.shape[2],
        )

    def _content(self, own: "Dataset | None") -> str:
        from pipeline.study.fingerprint import read_fingerprint

        if own is None and self.model.study is not None:
            return read_fingerprint(self.model.study).content
        return "" if own is None else own.content


def open_push(model: "ModelSource", name: str | None, alias: str) -> Push:
    """Finds the score and the name of the model, and opens the store, before any work is done for it.

    Without a ``name`` it is that of the model's study. JobError for a model without a score or a name, TrackingError if
    the store does not answer.
    """
    from pipeline.errors import JobError
    from pipeline.metrics import METRICS
    from pipeline.tracking import connect

    metadata = model.require_metadata()
    if metadata.score is None or metadata.metric not in METRICS:
        raise JobError(f"--push: {model.file} does not say its score; push the model of a study")
    return Push(model, name or _name_of_study(model), alias, metadata.score, connect())


def _name_of_study(model: "ModelSource") -> str:
    from pipeline.errors import JobError
    from pipeline.job.request import read_stored_job
    from pipeline.steps.best_model import name_for_data

    if model.study is None:
        expected = f"give --register NAME, or the study in place of {model.file}"
        raise JobError(f"--push: the name in the registry is that of the study, which is not named; {expected}")
    job = read_stored_job(model.study)
    return job.register or name_for_data(model.require_metadata().dataset, job.data)
