"""The folder that a study on a server notes as its own: a copy of that folder names the same study there."""

from pathlib import Path

from pipeline.search.optuna_study import storage_errors
from pipeline.search.postgresql import has_study, open_server
from pipeline.study.copies import Machine, NotedFolder
from pipeline.study.database import ServerDatabase
from pipeline.study.paths import StudyPaths

_FOLDER, _MACHINE = "folder", "machine"


def folder_attributes(paths: StudyPaths) -> dict[str, str]:
    """The user attributes of a study that name its folder; empty for one that no text can name."""
    folder = str(paths.path.resolve())
    return {_FOLDER: folder, _MACHINE: str(Machine.of(paths))} if folder.isprintable() else {}


def note_folder(database: ServerDatabase, paths: StudyPaths) -> None:
    """Makes a folder that of the study in a database, which is there. StudyError if refused."""
    with storage_errors(database):
        storage = open_server(database, make_tables=False)
        study = storage.get_study_id_from_name(database.name)
        for name, text in folder_attributes(paths).items():
            storage.set_study_user_attr(study, name, text)


def noted_folder(database: ServerDatabase) -> NotedFolder | None:
    """The folder that the study in a database names; None if it names none, or is not there. StudyError if refused."""
    with storage_errors(database):
        storage = open_server(database, make_tables=False)
        if not has_study(storage, database.name):
            return None
        noted = storage.get_study_user_attrs(storage.get_study_id_from_name(database.name))
        folder, machine = noted.get(_FOLDER), noted.get(_MACHINE, "")
        return NotedFolder(Path(folder), Machine.parse(str(machine))) if isinstance(folder, str) and folder else None
