"""Deletes a study: looks at what there is of it, then removes its runs and its folder."""

from collections.abc import Callable
from dataclasses import dataclass

from pipeline.console import status
from pipeline.errors import StorageAwayError, StudyError, TrackingError, printable
from pipeline.quantity import counted, format_bytes
from pipeline.search.optuna_study import remove_study, storage_errors
from pipeline.search.postgresql import open_server
from pipeline.search.server_folder import noted_folder
from pipeline.search.server_hold import held
from pipeline.study.copies import NotedFolder, possible_owner
from pipeline.study.database import Database, ServerDatabase, database_of
from pipeline.study.fingerprint import read_fingerprint
from pipeline.study.lock import locked
from pipeline.study.paths import StudyPaths
from pipeline.study.removal import FolderContent, find_removable, look_into, remove_folder
from pipeline.tracking import StudyRuns, find_runs

_ALONE = "--keep-runs deletes the folder alone"

_FILES_GO = ", but its files are those of the study's run, which `mlflow gc` would remove"
"""Said of a version on a server without logged models."""


@dataclass(frozen=True)
class Deletion:
    """What goes when a study is deleted. ``runs`` is None where those in MLflow are kept; ``models``: go too.

    ``away``: the server with the trials does not answer, so they stay there. ``trials_of`` and ``runs_of`` are the
    folders that the trials on a server and the runs belong to, or may belong to, where that is another (None: they are
    its own); then these stay.
    """

    paths: StudyPaths
    database: Database
    content: FolderContent
    runs: StudyRuns | None
    models: bool
    away: bool = False
    trials_of: NotedFolder | None = None
    runs_of: NotedFolder | None = None

    @property
    def summary(self) -> str:
        """What goes, in numbers."""
        runs = [] if self.runs is None else [counted(len(self.runs.runs), "run")]
        versions = [counted(len(self.runs.versions), "model version")] if self.runs and self.models else []
        return ", ".join([counted(self.content.trials, "trial"), format_bytes(self.content.bytes), *runs, *versions])

    def describe(self) -> list[str]:
        """What goes and what stays, one line each."""
        lines = [f"{printable(self.paths.path)}: {self.summary}"]
        if self.content.foreign:
            lines.append(f"  stays in the folder, no file of a study: {printable(', '.join(self.content.foreign))}")
        if isinstance(self.database, ServerDatabase):
            verb = "stay, since it does not answer," if self.away else "stay" if self.trials_of else "are"
            where = f"in {self.database}, as study {printable(self.database.name)!r}"
            lines.append(f"  its trials {verb} {where}{self._theirs(self.trials_of)}")
        if self.runs_of is not None:
            return [*lines, f"  its runs and models stay in MLflow{self._theirs(self.runs_of)}"]
        if self.runs is None:
            return [*lines, "  stays in MLflow: its runs and models"]
        lines.append(f"  the runs are in {self.runs.store}")
        if self.runs.others:
            lines.append(f"  stays there: {counted(self.runs.others, 'run')} below the study's, of no trial")
        for version in self.runs.versions:
            stays = f"stays registered{_FILES_GO * version.in_run}; --models deletes it too"
            lines.append(f"  {version}: {'goes too' if self.models else stays}")
        return lines

    def _theirs(self, owner: NotedFolder | None) -> str:
        """Why that stays which is another folder's, and how it is made this one's; "" if it is not another's."""
        if owner is None:
            return ""
        if owner.is_elsewhere(self.paths):
            moved = f"if this is that study, moved, first run `convtune sync {self.paths.argument}`"
            return f", since they belong to {owner}; {moved}"
        return f", since {owner} holds the same study"


def delete_study(study: str, keep_runs: bool, models: bool, agreed: Callable[[Deletion], bool]) -> Deletion | None:
    """Deletes a study if ``agreed`` says so, asked with all that goes; returns that, or None.

    Runs go first, then trials on a server: if one of the two refuses, the folder stays. StudyError for an unknown
    study, for one that another process runs and for a storage that cannot be reached; TrackingError for a store that
    cannot be reached or does not have the study. With ``keep_runs`` a storage that cannot be reached keeps its trials.
    Of a copy of a study's folder only the folder goes, as long as that study is there, or on another host.
    """
    paths = find_removable(study)
    with locked(paths):
        with status("asking MLflow", quiet=keep_runs):
            runs = None if keep_runs else _runs_of(paths)
        database = database_of(paths)
        away = not _answers(database, keep_runs)
        trials_of = None if away else _owner_of_trials(database, paths)
        runs_of = possible_owner(runs.folder, paths) if runs is not None and runs.study else None
        runs = None if runs_of is not None else runs
        deletion = Deletion(paths, database, look_into(paths), runs, models, away, trials_of, runs_of)
        if not agreed(deletion):
            return None
        with status("deleting") as progress:
            if runs is not None:
                runs.delete(models, progress)
            if isinstance(deletion.database, ServerDatabase) and not away and trials_of is None:
                remove_study(deletion.database)
            remove_folder(paths)
    return deletion


def _answers(database: Database, may_be_away: bool) -> bool:
    """Whether the trials can be deleted where they are.

    StudyError, before anything is deleted, if another process runs the study, or their server is away and may not be.
    """
    if isinstance(database, ServerDatabase):
        try:
            with status("asking the storage"), storage_errors(database):
                open_server(database, make_tables=False)
                with held(database):
                    pass
        except StorageAwayError as error:
            if not may_be_away:
                raise StorageAwayError(f"{error}; {_ALONE}") from None
            return False
    return True


def _owner_of_trials(database: Database, paths: StudyPaths) -> NotedFolder | None:
    return possible_owner(noted_folder(database), paths) if isinstance(database, ServerDatabase) else None


def _runs_of(paths: StudyPaths) -> StudyRuns:
    try:
        run = read_fingerprint(paths).run
    except StudyError:
        unknown = "unreadable, so it is unknown which runs in MLflow are those of the study"
        raise StudyError(f"{paths.fingerprint}: {unknown}; {_ALONE}") from None
    try:
        return find_runs(run)
    except TrackingError as error:
        raise TrackingError(f"{error}; {_ALONE}") from None
