"""Registers the best model of a study that could not do so itself, from its folder alone."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from pipeline.files import write_text
from pipeline.report.evaluated_model import EvaluatedModel
from pipeline.steps.best_model import registered_name, with_decision
from pipeline.steps.register_model import describe_registration, register_model
from pipeline.study.fingerprint import StudyFingerprint
from pipeline.study.paths import StudyPaths
from pipeline.study.record import TrialRecord
from pipeline.tracking import ModelDecision, Tracker


def register_later(
    tracker: Tracker,
    paths: StudyPaths,
    record: TrialRecord | None,
    job: Mapping[str, Any],
    fingerprint: StudyFingerprint,
    evaluated: EvaluatedModel | None,
) -> tuple[str, bool]:
    """Registers the model of the best trial, ``record``, if that is missing, and notes it in ``test.json``.

    Returns a sentence that says so, "" if there is nothing to do; and whether all is well now.
    """
    data = fingerprint.data
    if record is None or evaluated is None or evaluated.model.trial != record.number or not paths.best_model.is_file():
        return "", True
    if tracker.has_registered(record.number):
        return "", True
    if data is None:
        return f"the best model is not registered; `convtune tune --study {paths.argument}` does that", False
    # First the name that it has elsewhere: a new one would follow from where the data lies, as seen from here.
    name = registered_name(str(job.get("register") or evaluated.model.registered_as), data)
    about = describe_registration(paths, record, data, fingerprint.content, name, evaluated.scores)
    decision = register_model(tracker, paths, about, np.zeros((1, *data.shape), np.uint8))
    if not decision.version:
        return decision.reason, False
    _note_decision(paths, evaluated, decision, name)
    return f"{name}, version {decision.version}: {decision.reason}", True


def _note_decision(paths: StudyPaths, evaluated: EvaluatedModel, decision: ModelDecision, name: str) -> None:
    content = json.loads(paths.evaluation.read_text(encoding="utf-8"))
    content["best_model"] = asdict(with_decision(evaluated.model, decision, name))
    write_text(paths.evaluation, json.dumps(content, indent=1))
