"""The history of a trial: a CSV file with one row per epoch."""

import csv
from pathlib import Path

from pipeline.study.trial import EpochReport


def append_history(path: Path, report: EpochReport) -> None:
    """Adds a row with the epoch, its metrics and the seconds since the trial began.

    The first epoch begins the file anew with a header: an interrupted trial is repeated under its number.
    """
    first = report.epoch == 1 or not path.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    if first:
        path.unlink(missing_ok=True)  # a link would lead elsewhere
    columns = ["epoch", *report.metrics, "seconds"]
    row = [report.epoch, *(f"{value:.6g}" for value in report.metrics.values()), f"{report.seconds:.2f}"]
    with path.open("w" if first else "a", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, row] if first else [row])


def read_history(path: Path, number: int) -> list[EpochReport]:
    """The epochs of trial ``number``, as far as they are there: a line that was cut off ends them."""
    try:
        rows = list(csv.reader(path.read_text(encoding="utf-8", errors="replace").splitlines()))
    except (OSError, csv.Error):
        return []
    reports: list[EpochReport] = []
    for row in rows[1:]:
        try:
            epoch, *values, seconds = row
            metrics = dict(zip(rows[0][1:-1], map(float, values), strict=True))
            reports.append(EpochReport(number, int(epoch), metrics, float(seconds)))
        except ValueError:
            break
    return reports
