"""``convtune trials``: the trials of a study as a table, CSV, JSON or Parquet; or several studies side by side."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.report.selection import Selection
    from pipeline.study.paths import StudyPaths
    from pipeline.study.record import TrialRecord

from pipeline.cli.types import whole_number

HELP = "show the trials of a study, or compare several: sort, filter, CSV, JSON, Parquet"

EXAMPLES = ("convtune trials mine --sort score --reverse --where state=complete", "convtune trials mine other")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the studies, and the flags that say which trials to show and how."""
    several = "name or path of the study; several are compared, one row each"
    parser.add_argument("studies", metavar="STUDY", nargs="+", help=several)
    add = parser.add_argument
    add("--sort", metavar="COLUMN", help="sort the rows by a column or a hyperparameter, low to high (default: trial)")
    add("--reverse", action="store_true", help="sort high to low")
    where = "only trials that meet a condition such as 'score>=0.9'; repeatable"
    add("--where", metavar="TEST", action="append", default=[], help=where)
    add("--top", type=whole_number(1), metavar="N", help="show only the first N rows")
    formats = parser.add_mutually_exclusive_group()
    formats.add_argument("--csv", action="store_true", help="print CSV: a line per trial, a column per hyperparameter")
    formats.add_argument("--json", action="store_true", help="print a JSON list: one object per trial")
    formats.add_argument("--parquet", metavar="FILE", help="write the trials to a Parquet file, which pandas reads")


def run(args: argparse.Namespace) -> int:
    """Prints the selected trials of one study, or a comparison of several; their trials are for other programs."""
    from pipeline.report.selection import Selection

    selection = Selection(tuple(args.where), args.sort or "trial", args.reverse, args.top)
    names = list(dict.fromkeys(args.studies))
    if len(names) > 1:
        _run_several(names, selection, args)
    else:
        _run_one(names[0], selection, args)
    return 0


def _run_one(name: str, selection: "Selection", args: argparse.Namespace) -> None:
    from pipeline.search.optuna_study import load_trials

    paths, records, infeasible = load_trials(name)
    selected = selection.of(records)
    if not _pass_on(selected, records, args):
        _print_table(paths, selected, records, infeasible)


def _run_several(names: "list[str]", selection: "Selection", args: argparse.Namespace) -> None:
    """Compares studies, of which only the selected trials count; or passes these on, with the name of their study."""
    from dataclasses import replace

    from pipeline.api import load_study
    from pipeline.console import note, show
    from pipeline.report.comparison import check_sortable, describe_differences, render_comparison, sort_studies

    studies = [load_study(name).as_compared() for name in names]
    records = [replace(record, study=study.name) for study in studies for record in study.records]
    if args.csv or args.json or args.parquet is not None:
        check_sortable(selection.sort, studies)
        note(*describe_differences(studies))
        _pass_on(selection.of(records), records, args)
        return
    met = replace(selection, sort="trial", top=None).of(records)
    shown = [replace(study, records=[record for record in met if record.study == study.name]) for study in studies]
    show(render_comparison(sort_studies(shown, args.sort, args.reverse, args.top)))


def _pass_on(selected: "list[TrialRecord]", records: "list[TrialRecord]", args: argparse.Namespace) -> bool:
    """Passes the trials on to other programs in the format that is asked for; False if none is."""
    if args.csv:
        from pipeline.report.trials_table import as_csv

        print(as_csv(selected, records), end="")
    elif args.json:
        import json

        from pipeline.report.trials_table import as_json

        print(json.dumps(as_json(selected), indent=1, ensure_ascii=False, allow_nan=False))
    elif args.parquet is not None:
        _write_parquet(selected, records, args.parquet)
    return args.csv or args.json or args.parquet is not None


def _write_parquet(selected: "list[TrialRecord]", records: "list[TrialRecord]", name: str) -> None:
    from pathlib import Path

    from pipeline.report.frame import trials_frame, write_parquet

    frame = trials_frame(selected, records)
    write_parquet(frame, Path(name))
    print(f"{name}: {len(frame)} trials, {len(frame.columns)} columns; pandas.read_parquet({name!r}) reads them")


def _print_table(
    paths: "StudyPaths", selected: "list[TrialRecord]", records: "list[TrialRecord]", infeasible: "Mapping[str, int]"
) -> None:
    from pipeline.console import show
    from pipeline.job.kept_models import describe_not_kept
    from pipeline.report.leaderboard import describe_infeasible, render_listing

    if selected:
        show(render_listing(selected, records))
    elif records:
        print(f"No trial of study {paths.name} matches --where; it has {len(records)}.")
    else:
        print(f"Study {paths.name} has no trials yet.")
    for line in filter(None, (describe_infeasible(infeasible), describe_not_kept(paths, records))):
        print(line)
