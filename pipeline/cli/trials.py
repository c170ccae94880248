"""``convtune trials``: the trials of a study as a table, CSV or JSON."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.study.record import TrialRecord

from pipeline.cli.types import whole_number

HELP = "show the trials of a study: sort, filter, CSV, JSON"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the study, and the flags that say which trials to show and how."""
    parser.add_argument("study", metavar="STUDY", help="name or path of the study")
    add = parser.add_argument
    add("--sort", metavar="COLUMN", default="trial", help="sort by a column or a hyperparameter, low to high")
    add("--reverse", action="store_true", help="sort high to low")
    where = "show only trials that meet a condition such as 'score>=0.9'; repeatable"
    add("--where", metavar="TEST", action="append", default=[], help=where)
    add("--top", type=whole_number(1), metavar="N", help="show only the first N trials")
    formats = parser.add_mutually_exclusive_group()
    formats.add_argument("--csv", action="store_true", help="print CSV: one column per hyperparameter")
    formats.add_argument("--json", action="store_true", help="print a JSON list: one object per trial")


def run(args: argparse.Namespace) -> int:
    """Prints the selected trials."""
    from pipeline.report.selection import Selection
    from pipeline.search.optuna_study import load_trials

    folder, records, infeasible = load_trials(args.study)
    selected = Selection(tuple(args.where), args.sort, args.reverse, args.top).of(records)
    if args.csv or args.json:
        _print_plain(selected, records, args.csv)
    else:
        _print_table(folder.name, selected, records, infeasible)
    return 0


def _print_plain(selected: "list[TrialRecord]", records: "list[TrialRecord]", csv: bool) -> None:
    import json

    from pipeline.report.trials_table import as_csv, as_json

    if csv:
        print(as_csv(selected, records), end="")
    else:
        print(json.dumps(as_json(selected), indent=1, ensure_ascii=False, allow_nan=False))


def _print_table(
    study: str, selected: "list[TrialRecord]", records: "list[TrialRecord]", infeasible: "Mapping[str, int]"
) -> None:
    from pipeline.console import show
    from pipeline.report.leaderboard import describe_infeasible, render_listing

    if selected:
        show(render_listing(selected, records))
    elif records:
        print(f"No trial of study {study} matches --where; it has {len(records)}.")
    else:
        print(f"Study {study} has no trials yet.")
    if line := describe_infeasible(infeasible):
        print(line)
