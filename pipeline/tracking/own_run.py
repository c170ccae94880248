"""The run of a study, told from that of the study whose folder it is a copy of: a run names its study's folder."""

import os
from collections.abc import Iterator
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Run

from pipeline.study.copies import Machine, NotedFolder, other_owner
from pipeline.study.paths import StudyPaths
from pipeline.tracking.store import sqlite_file
from pipeline.tracking.surroundings import find_run

STUDY_ID = "study_id"
"""The tag of a study's run that has the id in its ``study.json``."""

FOLDER = "study_folder"
"""The tag of a study's run that names the folder of the study."""

MACHINE = "study_machine"
"""The tag that says on which host that is (``study.copies.Machine``); none in an SQLite file, which goes with it."""


def own_run(
    client: MlflowClient, experiment: str, run_id: str | None, study: str, paths: StudyPaths | None
) -> tuple[Run | None, NotedFolder | None]:
    """The active run of the study in ``paths``: ``run_id``, or one with the study's id; None if there is none.

    By the id it is found where an answer was lost, and in another store than the last. Besides, the folder that such a
    run belongs to where ``paths`` is a copy of it (None: it is none).
    """
    original = None
    for run in _known(client, experiment, run_id, study):
        owner = None if paths is None else other_owner(noted_folder(client, run), paths)
        if owner is None:
            return run, original
        original = owner
    return None, original


def _known(client: MlflowClient, experiment: str, run_id: str | None, study: str) -> Iterator[Run]:
    if (noted := find_run(client, run_id)) is not None:
        yield noted
    if study:
        yield from client.search_runs([experiment], f"tags.{STUDY_ID} = '{study}'")


def folder_tags(client: MlflowClient, paths: StudyPaths | None) -> dict[str, str]:
    """The tags that name a study's folder in a run; none for one that no text can name.

    It counts from the folder of an SQLite store, so it stays true where a project is moved or copied with its store.
    """
    if paths is None:
        return {}
    folder, base = paths.path.resolve(), _base(client)
    tags = {FOLDER: os.path.relpath(folder, base) if base else str(folder)}
    if not base:
        tags[MACHINE] = str(Machine.of(paths))
    return tags if tags[FOLDER].isprintable() else {}


def noted_folder(client: MlflowClient, run: Run) -> NotedFolder | None:
    """The folder that a run names; None if it names none."""
    text, base = run.data.tags.get(FOLDER), _base(client)
    machine = None if base else Machine.parse(run.data.tags.get(MACHINE, ""))
    return NotedFolder(Path(os.path.normpath((base or Path()) / text)), machine) if text else None


def _base(client: MlflowClient) -> Path | None:
    file = sqlite_file(client.tracking_uri)
    return file.resolve().parent if file else None
