"""The second step of a study: checks Keras, connects to MLflow, and writes the study to its folder."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from uuid import uuid4

from pipeline.console import note, status, warn
from pipeline.data.training_notes import training_notes
from pipeline.latency.study import save_latency_model
from pipeline.report.progress import Verbosity
from pipeline.search.optuna_study import storage_errors
from pipeline.search.storage import StudyStorage
from pipeline.steps.mlflow_run import begin_in_mlflow, history_of
from pipeline.steps.open import OpenStudy
from pipeline.steps.study_folder import write_job
from pipeline.steps.study_storage import open_storage
from pipeline.steps.unused_gpu import warn_of_unused_gpu
from pipeline.study.fingerprint import StudyFingerprint, check_fingerprint, write_fingerprint
from pipeline.tracking import Tracker, connect_or_wait
from pipeline.training.worker import check_backend


@dataclass(frozen=True)
class PreparedStudy:
    """An open study with its storage and its tracker, which record the trials."""

    study: OpenStudy
    storage: StudyStorage
    tracker: Tracker


@contextmanager
def prepare(study: OpenStudy, verbosity: Verbosity) -> Iterator[PreparedStudy]:
    """Begins or resumes the study, in its folder and in MLflow; the block runs it.

    If the block raises, the study's run in MLflow ends as KILLED (interrupted) or FAILED. At the end, warnings say
    what did not reach MLflow.
    """
    fingerprint = check_fingerprint(study.paths, _fingerprint(study))
    quiet = verbosity.is_quiet
    with status("connecting to MLflow", quiet):
        tracker = connect_or_wait()
    try:
        with status("starting Keras and MLflow", quiet):
            device = check_backend(study.executor)
        write_fingerprint(study.paths, fingerprint)
        begin_in_mlflow(tracker, study.paths, study.job.as_file(), fingerprint)
        if study.searched.latency is not None:
            save_latency_model(study.paths, study.searched.latency)
        database = study.database
        with storage_errors(database), closing(open_storage(study)) as storage:
            tracker.bring_level(storage.records, partial(history_of, study.paths))
            write_job(study.paths, study.job, study.searched.text)
            dataset = study.problem.dataset
            if not quiet:
                note(
                    *filter(None, [study.plan.line]),
                    f"{dataset.name}: {dataset.describe()}",
                    dataset.describe_classes(),
                )
            warn_of_unused_gpu(study.job, device, study.executor)
            for line in training_notes(dataset, study.problem.objective.metric, study.weighs_classes):
                warn(line)
            if not quiet:
                note(*study.start_points.left_out)
            yield PreparedStudy(study, storage, tracker)
    except BaseException as error:
        tracker.end_study("KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED", {})
        raise
    finally:
        with status("sending the rest to MLflow", quiet):
            tracker.close()
        for problem in tracker.problems:
            warn(f"{problem}; later, `convtune sync {study.paths.argument}` sends what is missing")


def _fingerprint(study: OpenStudy) -> StudyFingerprint:
    return StudyFingerprint(
        space=study.problem.space.fingerprint,
        dataset=study.problem.dataset.digest,
        epochs=study.job.full_epochs,
        seed=study.job.seed,
        metric=study.job.metric,
        objective=",".join(study.job.objective),
        code=study.searched.code,
        content=study.problem.dataset.content,
        split=study.problem.dataset.split,
        id=uuid4().hex,
        data=study.problem.dataset.facts,
    )
