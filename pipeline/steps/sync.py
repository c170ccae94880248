"""Brings MLflow level with a study: what is missing there is sent from the study's folder."""

from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from uuid import uuid4

from pipeline.console import status
from pipeline.errors import StudyError
from pipeline.report.evaluated_model import read_evaluated_model
from pipeline.report.study_trials import read_folder
from pipeline.steps.mlflow_run import begin_in_mlflow, end_in_mlflow, history_of, send_files
from pipeline.steps.register_later import register_later
from pipeline.steps.study_storage import held_storage
from pipeline.study.fingerprint import read_fingerprint
from pipeline.study.lock import locked
from pipeline.study.paths import check_links, find
from pipeline.study.record import best
from pipeline.tracking import connect
from pipeline.yaml_file import read_mapping


@dataclass(frozen=True)
class Synced:
    """The outcome: ``written`` of ``trials`` runs were missing or differed. ``model`` says what was registered.

    ``problems`` are what is still missing, one line each.
    """

    trials: int
    written: int
    model: str
    problems: list[str]


def sync_study(study: str) -> Synced:
    """Sends what MLflow lacks of a study that does not run; on an empty store that is everything. Twice does no harm.

    StudyError for a study that is unknown, runs, is a copy of one on a server, or has links out of its folder.
    TrackingError for a store that does not answer.
    """
    paths = find(study)
    check_links(paths)  # what they lead to would be sent too
    trials = read_folder(paths)  # before the lock, which would say that they still run
    connecting = status("connecting to MLflow")
    with locked(paths), held_storage(paths, "", quiet=False), connecting, closing(connect()) as tracker:
        fingerprint = read_fingerprint(paths)
        fingerprint = replace(fingerprint, id=fingerprint.id or uuid4().hex)
        job = read_mapping(paths.job, StudyError)
        evaluated = read_evaluated_model(paths)
        begin_in_mlflow(tracker, paths, job, fingerprint)
        tracker.bring_level(trials.records, partial(history_of, paths))
        registered, is_well = register_later(tracker, paths, best(trials.records), job, fingerprint, evaluated)
        send_files(tracker, paths, trials.records)
        end_in_mlflow(tracker, trials, job, evaluated)
    model, problems = (registered, []) if is_well else ("", [registered])
    return Synced(len(trials.records), tracker.renewed, model, [*tracker.problems, *problems])
