"""Opens the storage of a study, and says in the study's folder where it is."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from pipeline.console import status
from pipeline.search.optuna_study import check_server, reading_errors
from pipeline.search.pruners import PRUNERS
from pipeline.search.server_hold import held
from pipeline.search.storage import StudyStorage
from pipeline.steps.open import OpenStudy
from pipeline.study.database import ServerDatabase, choose_database, note_database
from pipeline.study.paths import StudyPaths


@contextmanager
def held_storage(paths: StudyPaths, address: str, quiet: bool) -> Iterator[None]:
    """Holds the study on its server while the block runs; ``address`` is the job's. A file has the lock of its folder.

    StudyError if the study cannot be kept where it should be, or if another process runs it, before anything is read.
    """
    database = choose_database(paths, address)
    with ExitStack() as hold:
        if isinstance(database, ServerDatabase):
            with status("connecting to the storage", quiet):
                check_server(database)
                hold.enter_context(held(database))
        yield


def open_storage(study: OpenStudy) -> StudyStorage:
    """The storage; start points that are new to it are put into its queue."""
    database = study.database
    note_database(study.paths, database)  # before the study is there: a killed process leaves its name to be found
    with reading_errors(database):
        storage = StudyStorage(
            database,
            study.problem.space,
            PRUNERS[study.job.pruner],
            study.job.full_epochs,
            study.problem.objective,
            {name: value for name, value in study.job.as_file().items() if isinstance(value, str | int | float)},
        )
    points = study.start_points
    for candidate, source in zip(points.candidates, points.sources, strict=True):
        if storage.number_of(candidate) is None:
            storage.enqueue(candidate.params, source)
    return storage
