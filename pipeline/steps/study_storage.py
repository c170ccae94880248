"""Opens the storage of a study, and says in the study's folder where it is."""

from pipeline.console import status
from pipeline.search.optuna_study import check_server, reading_errors
from pipeline.search.pruners import PRUNERS
from pipeline.search.storage import StudyStorage
from pipeline.steps.open import OpenStudy
from pipeline.study.database import ServerDatabase, choose_database, note_database
from pipeline.study.paths import StudyPaths


def check_storage(paths: StudyPaths, address: str, quiet: bool) -> None:
    """StudyError if the study cannot be kept where it should be, before anything is read; ``address`` is the job's."""
    database = choose_database(paths, address)
    if isinstance(database, ServerDatabase):
        with status("connecting to the storage", quiet):
            check_server(database)


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
