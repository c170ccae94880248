"""Locks the folder of a study while it runs, and writes the files that make a folder a study."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.resources import files

from pipeline.console import note, warn
from pipeline.errors import StudyError
from pipeline.files import write_text
from pipeline.job.job import Job
from pipeline.study.database import ServerDatabase, database_of
from pipeline.study.holder import Holder
from pipeline.study.job_file import LAST
from pipeline.study.lock import locked
from pipeline.study.paths import StudyPaths, check_job, check_links
from pipeline.yaml_file import dump


@contextmanager
def hold_study(paths: StudyPaths) -> Iterator[Holder | None]:
    """Locks the study's folder; if no study has begun when the block ends, what was created is removed again.

    Yields the process that ran the study last, if it was cut off.

    StudyError if the folder is locked, holds other files or links that lead out of it, or has trials but no job file.
    """
    check_job(paths)
    if foreign := paths.foreign:
        raise StudyError(f"{paths.path}: holds {foreign[0]!r} but no study; choose another --study")
    check_links(paths)
    missing = [path for path in (paths.path, *paths.path.parents) if not os.path.exists(path)]
    try:
        with locked(paths) as cut_off:
            had_begun = paths.exists
            if not had_begun:  # left by a process that was killed before its study had begun
                _discard_trials(paths)
            try:
                yield cut_off
            finally:
                if paths.lacks_job or (had_begun and not paths.exists):
                    warn(f"{paths.job}: removed while the study ran; put it back to go on with the study")
                elif not paths.exists:
                    _discard_trials(paths)
                    _clear(paths)
    finally:
        for path in missing:
            with suppress(OSError):  # not empty: a study is in it
                path.rmdir()


def tell_of_cut_off(paths: StudyPaths, holder: Holder, quiet: bool) -> None:
    """Says who ran the study last and has not let go of it; a warning if that process may still run somewhere."""
    if not holder.has_ended:
        warn(f"{paths.path}: {holder} has not let go of this study; if it still runs there, end one of the two")
    elif not quiet:
        note(f"note: {paths.path}: its last run was cut off ({holder})")


def write_job(paths: StudyPaths, job: Job, space_text: Callable[[], str]) -> None:
    """Writes ``space.yaml`` once, and ``job.yaml``, which makes the folder a study that can be resumed."""
    if not paths.space.exists():
        write_text(paths.space, space_text())
    schema = files("search_spaces") / "job.schema.json"
    settings = {key: value for key, value in job.as_file().items() if key != LAST}
    text = dump({**settings, LAST: paths.argument})
    write_text(paths.job, f"# yaml-language-server: $schema={schema}\n{text}")


def _discard_trials(paths: StudyPaths) -> None:
    """Removes the storage of a study that did not begin; if its server is away, a warning says what stays there."""
    paths.storage.unlink(missing_ok=True)
    if not paths.server.is_file():
        return
    from pipeline.search.optuna_study import remove_study  # imported late: Optuna takes a second

    database = database_of(paths)
    assert isinstance(database, ServerDatabase)
    try:
        remove_study(database)
    except StudyError as error:
        warn(f"study {database.name!r}, which did not begin, stays in its storage: {error}")
    paths.server.unlink()


def _clear(paths: StudyPaths) -> None:
    """Removes everything in the folder of a study that did not begin."""
    for path in paths.path.iterdir():
        path.unlink() if path.is_file() else shutil.rmtree(path)
