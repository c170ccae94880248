"""A study for programs: its trials as a pandas frame, its best trial, its scores and its models."""

import html
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.api.model_file import find_model_file
from pipeline.errors import StudyError
from pipeline.quantity import counted
from pipeline.report.comparison import ComparedStudy
from pipeline.report.evaluated_model import BestModel, read_evaluated_model
from pipeline.report.formatting import split_name, varying_groups
from pipeline.report.frame import trials_frame
from pipeline.study.fingerprint import StudyFingerprint
from pipeline.study.paths import StudyPaths
from pipeline.study.record import TrialRecord, best, ranked

_SHOWN = 10
"""The trials that a notebook shows of a study."""


@dataclass(frozen=True, repr=False)
class Study:
    """A study as it was when it was loaded; ``load_study`` again shows how it has gone on.

    ``records`` are its trials by number, ``infeasible`` counts its infeasible proposals by kind, ``settings`` is the
    content of its ``job.yaml``, ``fingerprint`` what stays the same while it goes on.
    """

    paths: StudyPaths
    records: Sequence[TrialRecord]
    infeasible: Mapping[str, int]
    settings: Mapping[str, Any]
    fingerprint: StudyFingerprint

    @property
    def name(self) -> str:
        """The name of the study."""
        return self.paths.name

    @property
    def path(self) -> Path:
        """The folder of the study."""
        return self.paths.path

    @property
    def metric(self) -> str:
        """The name of the metric by which its trials are scored."""
        return self.fingerprint.metric

    @property
    def trials(self) -> pd.DataFrame:
        """One row per trial, by number: state, score, costs and a column for each hyperparameter, all typed."""
        return trials_frame(self.records)

    @property
    def best(self) -> TrialRecord:
        """The best trial with a model: ``number``, ``score``, ``params``, ``parameters``, ``macs``, ``result``.

        StudyError if no trial has left a model yet.
        """
        record = best(self.records)
        if record is None:
            raise StudyError(f"study {self.name}: no trial has a model; see `convtune trials {self.paths.argument}`")
        return record

    def history(self, trial: int | None = None) -> pd.DataFrame:
        """The metrics of a trial (None: the best), one row per epoch; StudyError if it has finished none."""
        number = self.best.number if trial is None else trial
        try:
            return pd.read_csv(self.paths.history(number), index_col="epoch")
        except FileNotFoundError:
            known = f"its trials are 0 to {len(self.records) - 1}" if self.records else "it has no trials yet"
            raise StudyError(f"study {self.name}: trial {number} has finished no epoch; {known}") from None

    @property
    def test_scores(self) -> dict[str, float | None]:
        """The scores of the best model on the test images, by metric; empty until the study has tested it.

        A score is None where a metric is not defined for these images.
        """
        top = best(self.records)
        tested = self._tested
        return dict(tested.test_scores) if tested and top and tested.trial == top.number else {}

    @property
    def importances(self) -> "pd.Series[float]":
        """How important each hyperparameter was for the score, largest first; see ``search.importance``.

        Empty for fewer than 5 complete trials.
        """
        from pipeline.search.importance import read_importances

        values = read_importances(self.paths) if self.records else {}
        return pd.Series(values, dtype="float64", name="importance")

    def model_file(self, trial: int | None = None) -> Path:
        """The ``.keras`` file of a trial's model (None: of the best); StudyError if there is none."""
        return find_model_file(self.paths, self.records, trial)

    def model(self, trial: int | None = None) -> Any:
        """The Keras model of a trial (None: the best), loaded in this process, which imports Keras for it.

        It takes pixels of 0..255 in batches of any image size, and returns probabilities in the order of ``classes``.
        """
        file = self.model_file(trial)
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow prints what it found of the machine
        from pipeline.training.save import load

        return load(file)

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names in the order of a model's outputs; StudyError if no trial has left a model."""
        from pipeline.study.model_metadata import read_metadata

        return read_metadata(self.model_file()).classes

    def as_compared(self) -> ComparedStudy:
        """The study as a comparison shows it."""
        tested = self._tested
        return ComparedStudy(
            name=self.paths.argument,
            data=Path(str(self.settings.get("data", ""))).name,
            space=str(self.settings.get("space", "")),
            fingerprint=self.fingerprint,
            records=self.records,
            tested=tested.trial if tested else None,
            test_scores=tested.test_scores if tested else {},
            image_size=str(self.settings.get("image_size", "")),
            class_weight=self._class_weight,
        )

    @property
    def _class_weight(self) -> str:
        """How its trials weigh classes: ``none``, ``balanced``, or ``searched``."""
        name = "class_weight"
        if given := self.settings.get(name):
            return str(given)
        record = next(iter(self.records), None)
        if record is None:
            return ""
        return "searched" if name in record.drawn else str(record.params.get(name, "none"))

    @property
    def _tested(self) -> BestModel | None:
        """The model that was tested last; None before one was. StudyError if ``test.json`` is damaged."""
        evaluated = read_evaluated_model(self.paths)
        return evaluated.model if evaluated else None

    def __repr__(self) -> str:
        return f"<Study {self.name}: {self._summary()}>"

    def _repr_html_(self) -> str:
        """The best trials as HTML, which a notebook shows."""
        heading = f"<p>Study <b>{html.escape(self.name)}</b>: {html.escape(self._summary())}</p>"
        shown = ranked(self.records)[:_SHOWN]
        if not shown:
            return heading
        varying = varying_groups(self.records)
        constant = [name for record in shown for name in record.params if split_name(name)[0] not in varying]
        return heading + trials_frame(shown).drop(columns=[*constant, "reason"], errors="ignore").to_html(index=False)

    def _summary(self) -> str:
        record = best(self.records)
        count = counted(len(self.records), "trial")
        if record is None:
            return f"{count}, none with a model"
        return f"{count}, best {self.metric} {record.score:.4f} (trial {record.number})"
