"""The facts about a study at its end, from its storage in memory."""

from dataclasses import replace

from pipeline.report.evaluated_model import BestModel, read_evaluated_model
from pipeline.report.findings import Findings
from pipeline.report.study_trials import StudyTrials
from pipeline.search.importance import importances
from pipeline.search.optuna_study import noted_end, runs_of
from pipeline.steps.prepare import PreparedStudy


def findings(prepared: PreparedStudy, best_model: BestModel | None) -> Findings:
    """The facts about the study, whose best model has been published (None: there is none, or that has failed)."""
    study, storage = prepared.study, prepared.storage
    trials = StudyTrials(study.paths, storage.records, infeasible=storage.infeasible, reason=noted_end(storage.study))
    return Findings(trials, study.job.as_file(), None if best_model is None else read_evaluated_model(study.paths))


def drawn_trials(prepared: PreparedStudy) -> StudyTrials:
    """The trials as plots and report need them."""
    stored, objective = prepared.storage.study, prepared.study.problem.objective
    trials = findings(prepared, None).trials
    return replace(trials, runs=runs_of(stored, objective), importances=importances(stored))
