"""Opens the storage of a study, and says in the study's folder where it is."""

from pipeline.search.optuna_study import reading_errors
from pipeline.search.pruners import PRUNERS
from pipeline.search.storage import StudyStorage
from pipeline.steps.open import OpenStudy
from pipeline.study.database import note_database


def open_storage(study: OpenStudy) -> StudyStorage:
    """The storage; start points that are new to it are put into its queue."""
    database = study.database
    with reading_errors(database):
        storage = StudyStorage(
            database,
            study.problem.space,
            PRUNERS[study.job.pruner],
            study.job.full_epochs,
            study.problem.objective,
            {name: value for name, value in study.job.as_file().items() if isinstance(value, str | int | float)},
        )
    note_database(study.paths, database)
    points = study.start_points
    for candidate, source in zip(points.candidates, points.sources, strict=True):
        if storage.number_of(candidate) is None:
            storage.enqueue(candidate.params, source)
    return storage
