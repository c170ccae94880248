"""Writes the files of a study while its trials run."""

import shutil

from pipeline.console import warn
from pipeline.errors import MachineError
from pipeline.executors.machine_fault import is_refused
from pipeline.report.trials_file import TrialsFile
from pipeline.search.storage import StudyStorage
from pipeline.study.history import append_history
from pipeline.study.kept_models import KeptModels
from pipeline.study.paths import StudyPaths
from pipeline.study.record import TrialRecord
from pipeline.study.trial import BatchReport, EpochReport

ROOM = 50e6
"""The free bytes that a disk must have for a trial to begin: its model often has 1 to 20 MB, and the study's database
needs room for what is to be noted of the trials that run."""


class StudyFiles:
    """A listener of the loop: each trial's history, the table of trials, the models of the ``models_kept`` best."""

    def __init__(self, paths: StudyPaths, storage: StudyStorage, models_kept: float) -> None:
        self._paths, self._storage = paths, storage
        self._models = KeptModels(paths, storage.records, models_kept)
        self._table = TrialsFile(paths.table)
        self._table_is_complete, self._table_problem = False, ""

    def has_room(self) -> bool:
        """Whether the study's disk has room for another trial. Looking takes microseconds."""
        return shutil.disk_usage(self._paths.path).free >= ROOM

    def trial_started(self, record: TrialRecord) -> None:
        """Makes the trial's folder."""
        self._paths.trial(record.number).mkdir(parents=True, exist_ok=True)
        self._models.trial_started(record.number)

    def epoch_ended(self, record: TrialRecord, report: EpochReport) -> None:
        """Adds a row to the trial's ``history.csv``; MachineError if the disk has no room for it."""
        history = self._paths.history(record.number)
        try:
            append_history(history, report)
        except OSError as error:
            if not is_refused(error):
                raise
            raise MachineError(f"machine fault: {history.name}: {error.strerror}") from None

    def progressed(self, record: TrialRecord, report: BatchReport) -> None:
        """Nothing is written within an epoch."""

    def trial_ended(self, record: TrialRecord) -> None:
        """Brings ``trials.csv`` up to date: with a Pareto front, more rows than the trial's own may have changed.

        Models that are not to be kept are removed. Where the disk has no room, the table follows later: no trial that
        still runs is cut off for it.
        """
        self._models.trial_ended(record)
        everything = bool(record.objective.minimized) or not self._table_is_complete
        self._write_table(self._storage.records if everything else [record, *self._storage.running])

    def finish(self) -> None:
        """Writes ``trials.csv`` if that had no room before; a warning if it has none now."""
        if self._table_problem and not self._write_table(self._storage.records):
            missing = "the last trials are missing there until the study goes on; convtune trials shows them"
            warn(f"{self._paths.table}: {self._table_problem}; {missing}")

    def _write_table(self, records: list[TrialRecord]) -> bool:
        """Writes these records, or notes why not: then the next ones are all, into a whole file."""
        try:
            self._table.update(records)
        except OSError as error:
            if not is_refused(error):
                raise
            self._table, self._table_problem = TrialsFile(self._paths.table), str(error.strerror)
        else:
            self._table_problem = ""
        self._table_is_complete = not self._table_problem
        return self._table_is_complete
