"""The folder that a study on a server notes as its own: a copy of that folder names the same study there."""

from pathlib import Path

from pipeline.search.optuna_study import storage_errors
from pipeline.search.postgresql import has_study, open_server
from pipeline.study.database import ServerDatabase
from pipeline.study.paths import StudyPaths

_FOLDER = "folder"


def folder_attribute(paths: StudyPaths) -> dict[str, str]:
    """The user attribute of a study that names its folder; empty for one that no text can name."""
    folder = str(paths.path.resolve())
    return {_FOLDER: folder} if folder.isprintable() else {}


def noted_folder(database: ServerDatabase) -> Path | None:
    """The folder that the study in a database names; None if it names none, or is not there. StudyError if refused."""
    with storage_errors(database):
        storage = open_server(database, make_tables=False)
        if not has_study(storage, database.name):
            return None
        noted = storage.get_study_user_attrs(storage.get_study_id_from_name(database.name)).get(_FOLDER)
        return Path(noted) if isinstance(noted, str) and noted else None
