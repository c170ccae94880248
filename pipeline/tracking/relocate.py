"""Artifact locations of a store that was moved or copied together with its ``mlruns``: MLflow keeps absolute ones."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from pipeline.errors import TrackingError

ARTIFACTS = "mlruns"
"""The folder of the artifacts, beside an SQLite store."""

_LOCATIONS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
"""The tables and columns of MLflow 3 with absolute locations below that of an experiment."""


def artifact_folder(store: Path, experiment: str) -> Path:
    """The folder that convtune gives an experiment: MLflow would use one below the current folder."""
    return store.parent / ARTIFACTS / quote(experiment, safe="")


def relocate(store: Path) -> list[str]:
    """Points the locations in an SQLite store to the ``mlruns`` beside it; returns one line per experiment with files.

    An experiment has moved if its folder is beside the store and is recorded elsewhere; or if it is gone from where
    convtune once put it, or where MLflow did, with the project around it. Does nothing where MLflow's tables are not
    there yet, or are those of another version. TrackingError for a damaged file.
    """
    try:
        with closing(sqlite3.connect(store, timeout=5.0)) as database, database:
            moves = list(_moves(database, store))
            for _, old, new in moves:
                for table, column in _LOCATIONS:
                    database.execute(
                        f"UPDATE {table} SET {column} = :new || substr({column}, length(:old) + 1) "
                        f"WHERE {column} = :old OR substr({column}, 1, length(:old) + 1) = :old || '/'",
                        {"old": old, "new": new},
                    )
    except sqlite3.OperationalError:
        return []
    except sqlite3.DatabaseError as error:
        advice = "put a copy of it back, or set MLFLOW_TRACKING_URI to another"
        raise TrackingError(f"{store}: damaged ({error}); {advice}") from None
    what = f"{store}: was moved here; its artifacts are in"
    return [f"{what} {new} now, not in {old}" for has_files, old, new in moves if has_files]


def _moves(database: sqlite3.Connection, store: Path) -> Iterator[tuple[bool, str, str]]:
    """Of each experiment that has moved: whether its new folder is there, the old and the new location."""
    rows = database.execute("SELECT experiment_id, name, artifact_location FROM experiments").fetchall()
    for number, name, location in rows:
        is_uri = str(location).startswith("file:")
        old = Path(unquote(urlsplit(location).path) if is_uri else str(location))
        new = store.parent / ARTIFACTS / old.name
        if not old.is_absolute() or old.parent.name != ARTIFACTS or old == new:
            continue
        gone, here = not old.exists(), new.is_dir()
        by_rule = new == artifact_folder(store, name) or (old.name == str(number) and not old.parent.parent.exists())
        if (here and (gone or not new.samefile(old))) or (gone and by_rule):
            yield here, location, new.as_uri() if is_uri else str(new)
