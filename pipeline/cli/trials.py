"""``convtune trials``: the trials of a study as a table, CSV or JSON."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.record import Record

HELP = "show the trials of a study: sort, filter, CSV, JSON"


def arguments(parser: argparse.ArgumentParser) -> None:
    """The study, and what to show of it."""
    parser.add_argument("study", metavar="STUDY", help="name or path of the study")
    add = parser.add_argument
    add("--sort", metavar="COLUMN", default="number", help="order by a column or parameter, rising (default number)")
    add("--reverse", action="store_true", help="falling order")
    add("--where", metavar="TEST", action="append", default=[], help="only trials with e.g. 'value>=0.9'; repeatable")
    add("--top", metavar="N", help="only the first N of them")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="print CSV, a column a parameter")
    form.add_argument("--json", action="store_true", help="print a JSON list, an object a trial")


def run(args: argparse.Namespace) -> int:
    """Prints the chosen trials."""
    from pipeline.loading import load_trials, whole
    from pipeline.report.select import Selection

    top = whole("--top", args.top, 1) if args.top else None
    folder, records, infeasible = load_trials(args.study)
    chosen = Selection(tuple(args.where), args.sort, args.reverse, top).of(records)
    if args.csv or args.json:
        _print_plain(chosen, records, args.csv)
    else:
        _print_table(folder.name, chosen, records, infeasible)
    return 0


def _print_plain(chosen: "list[Record]", records: "list[Record]", as_csv: bool) -> None:
    import json

    from pipeline.report.table import as_json, csv_text

    if as_csv:
        print(csv_text(chosen, records), end="")
    else:
        print(json.dumps(as_json(chosen), indent=1, ensure_ascii=False, allow_nan=False))


def _print_table(study: str, chosen: "list[Record]", records: "list[Record]", infeasible: "Mapping[str, int]") -> None:
    from pipeline.printing import show
    from pipeline.report.leaderboard import infeasible_line, listing

    if chosen:
        show(listing(chosen, records))
    elif records:
        print(f"No trial of study {study} fulfils --where; it has {len(records)}.")
    else:
        print(f"Study {study} has no trials yet.")
    if line := infeasible_line(infeasible):
        print(line)
