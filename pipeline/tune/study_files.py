"""Writes the files of a study while its trials run."""

from pipeline.files import write_text
from pipeline.report.trials_table import as_csv
from pipeline.search.storage import StudyStorage
from pipeline.study.history import append_history
from pipeline.study.paths import StudyPaths
from pipeline.study.record import TrialRecord
from pipeline.study.trial import BatchReport, EpochReport


class StudyFiles:
    """A listener of the loop that writes each trial's history and the table of trials."""

    def __init__(self, paths: StudyPaths, storage: StudyStorage) -> None:
        self._paths, self._storage = paths, storage

    def trial_started(self, record: TrialRecord) -> None:
        """Makes the trial's folder."""
        self._paths.trial(record.number).mkdir(parents=True, exist_ok=True)

    def epoch_ended(self, record: TrialRecord, report: EpochReport) -> None:
        """Adds a row to the trial's ``history.csv``."""
        append_history(self._paths.history(record.number), report)

    def progressed(self, record: TrialRecord, report: BatchReport) -> None:
        """Nothing is written within an epoch."""

    def trial_ended(self, record: TrialRecord) -> None:
        """Writes ``trials.csv`` anew: with a Pareto front, more rows than the trial's own may have changed."""
        write_text(self._paths.table, as_csv(self._storage.records))
