"""Who hears of trials beside the progress view: the study's files and MLflow."""

from pipeline.folder import StudyFolder, append_history, write
from pipeline.report.table import csv_text
from pipeline.search.candidate import Candidate
from pipeline.search.ledger import Ledger
from pipeline.tracking import Tracker
from pipeline.trial import Outcome, Report, Trial


class Files:
    """Writes each trial's history and the table of trials."""

    def __init__(self, folder: StudyFolder, ledger: Ledger) -> None:
        self._folder, self._ledger = folder, ledger

    def began(self, trial: Trial, candidate: Candidate) -> None:
        """Makes the trial's folder."""
        self._folder.trial(trial.number).mkdir(parents=True, exist_ok=True)

    def reported(self, report: Report) -> None:
        """Adds a row to the trial's ``history.csv``."""
        append_history(self._folder.history(report.number), report)

    def ended(self, outcome: Outcome) -> None:
        """Writes ``trials.csv`` anew."""
        write(self._folder.table, csv_text(self._ledger.records))


class Tracked:
    """Passes what happens on to MLflow."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker

    def began(self, trial: Trial, candidate: Candidate) -> None:
        """Opens the trial's run with its parameters and costs."""
        self._tracker.begin_trial(trial, candidate.values, candidate.costs)

    def reported(self, report: Report) -> None:
        """Sends the epoch's metrics."""
        self._tracker.report(report)

    def ended(self, outcome: Outcome) -> None:
        """Closes the trial's run."""
        self._tracker.end_trial(outcome)
