"""Opens the storage of a study, and says in the study's folder where it is."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from pipeline.console import note, status
from pipeline.errors import StudyError, printable
from pipeline.search.optuna_study import check_server, reading_errors
from pipeline.search.pruners import PRUNERS
from pipeline.search.server_folder import folder_attributes, note_folder, noted_folder
from pipeline.search.server_hold import held
from pipeline.search.storage import StudyStorage
from pipeline.steps.open import OpenStudy
from pipeline.study.copies import other_owner
from pipeline.study.database import ServerDatabase, check_not_lost, choose_database, note_database
from pipeline.study.paths import StudyPaths


@contextmanager
def held_storage(paths: StudyPaths, address: str, quiet: bool) -> Iterator[None]:
    """Holds the study on its server while the block runs; ``address`` is the job's. A file has the lock of its folder.

    StudyError if the study cannot be kept where it should be, if another process runs it, or if its folder is a copy,
    before anything is read.
    """
    database = choose_database(paths, address)
    if paths.exists:
        check_not_lost(paths, database)
    with ExitStack() as hold:
        if isinstance(database, ServerDatabase):
            with status("connecting to the storage", quiet):
                check_server(database)
                hold.enter_context(held(database))
                _check_own(paths, database)
        yield


def _check_own(paths: StudyPaths, database: ServerDatabase) -> None:
    """StudyError if its trials are those of a study whose folder this one is a copy of.

    Trials of a folder on another host become those of this one, which is said.
    """
    noted = noted_folder(database)
    if (original := other_owner(noted, paths)) is not None:
        left = f"a copy of {original}, whose trials are in {database}"
        advice = "go on there, or move that folder elsewhere to go on here"
        raise StudyError(f"{printable(paths.path)}: {left}; {advice}")
    if noted is not None and noted.is_elsewhere(paths):
        note_folder(database, paths)
        note(f"{paths.path}: goes on with the trials in {database} of {noted}; they count as those of this folder now")


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
            _facts(study),
        )
    points = study.start_points
    for candidate, source in zip(points.candidates, points.sources, strict=True):
        if storage.number_of(candidate) is None:
            storage.enqueue(candidate.params, source)
    return storage


def _facts(study: OpenStudy) -> dict[str, str | int | float]:
    """Facts about the study for whoever opens its storage; on a server also the folder that the trials belong to."""
    job = {name: value for name, value in study.job.as_file().items() if isinstance(value, str | int | float)}
    return job | (folder_attributes(study.paths) if isinstance(study.database, ServerDatabase) else {})
