"""The table of a study's trials as a CSV file that grows with them."""

from collections.abc import Iterable
from pathlib import Path

from pipeline.files import write_text
from pipeline.report.formatting import order_names
from pipeline.report.trials_table import COLUMNS, csv_line, csv_row, needed_columns, param_cells
from pipeline.study.record import TrialRecord


class TrialsFile:
    """``trials.csv``: one line per trial, by number. Only lines from the first that changed on are written again.

    So a trial costs as much when there are thousands of others as at the beginning. The whole file is written if it
    needs another column, or if it is not as it was left.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._records: list[TrialRecord] = []
        self._lines: list[bytes] = []
        self._ends: list[int] = []
        self._needed: set[str] = set()
        self._params: dict[str, None] = {}
        self._columns: list[str] = []

    def update(self, records: Iterable[TrialRecord]) -> None:
        """Writes these records, by number, in place of earlier ones of the same trials.

        No number may be left out: all that are not among them were so before.
        """
        known = set(map(id, self._records))  # comparing the records themselves would take longer
        changed = sorted((record for record in records if id(record) not in known), key=lambda record: record.number)
        for record in changed:
            self._records[record.number : record.number + 1] = [record]
        self._note_columns(changed)
        columns = [name for name in COLUMNS if name in self._needed] + order_names(self._params)
        if columns != self._columns:
            self._columns, self._lines, changed = columns, [], self._records
        lines = [(record.number, csv_row(record, columns).encode()) for record in changed]
        first = min((number for number, line in lines if self._lines[number : number + 1] != [line]), default=None)
        for number, line in lines:
            self._lines[number : number + 1] = [line]
        if first is not None:
            self._write(first)

    def _note_columns(self, records: list[TrialRecord]) -> None:
        self._needed.update(needed_columns(records))
        for record in records:
            self._params.update(dict.fromkeys(param_cells(record)))

    def _write(self, first: int) -> None:
        """Writes the lines from the one with this number on."""
        intact = first > 0 and self._is_as_it_was_left()
        del self._ends[first:]
        header = csv_line(self._columns).encode()
        start = self._ends[-1] if self._ends else len(header)
        for line in self._lines[first:]:
            self._ends.append((self._ends[-1] if self._ends else len(header)) + len(line))
        if not intact:
            write_text(self._path, b"".join([header, *self._lines]).decode())
            return
        with self._path.open("r+b") as file:
            file.seek(start)
            file.write(b"".join(self._lines[first:]))
            file.truncate()

    def _is_as_it_was_left(self) -> bool:
        try:
            return self._path.stat().st_size == self._ends[-1]
        except OSError:
            return False
