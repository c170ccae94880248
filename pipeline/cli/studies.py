"""``convtune studies``: the studies in a folder."""

import argparse

from pipeline.cli.types import flag_type
from pipeline.job.parsers import parse_storage

HELP = "list the studies in a folder: data, space, trials, best, state, last run"

EXAMPLES = ("convtune studies /data/studies --json", "convtune studies --storage postgresql://me@db.example.org/trials")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the folder, the server and the format."""
    parser.add_argument("folder", metavar="FOLDER", nargs="?", help="folder that holds studies (default: studies)")
    parser.add_argument(
        "--storage",
        metavar="postgresql://USER@HOST/DB",
        type=flag_type(parse_storage),
        help="PostgreSQL database to ask for the trials that studies keep there (default: none is asked)",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON list, one object per study")


def run(args: argparse.Namespace) -> int:
    """Prints the list. A damaged study is one line of it."""
    import json
    import shlex
    from pathlib import Path

    from pipeline.console import note, show, status
    from pipeline.study.paths import ROOT

    folder = ROOT if args.folder is None else Path(args.folder)
    with status("reading the studies") as progress:
        from pipeline.report import study_list  # a second, for Optuna

        found = study_list.studies_in(folder) if args.folder is not None or folder.is_dir() else []
        studies = study_list.list_studies(found, progress, args.storage or "")
    if args.json:
        print(json.dumps([study.as_json() for study in studies], indent=1, ensure_ascii=False, allow_nan=False))
    elif studies:
        show(study_list.render_studies(studies))
    else:
        print(f"No studies in {folder}. Begin one:  convtune tune --data FOLDER --study NAME")
    command = "convtune studies" if args.folder is None else f"convtune studies {shlex.quote(args.folder)}"
    told = study_list.servers_not_asked(studies, command)
    for fact, advice in [*study_list.copies_of_one(found), *([told] if told else [])]:
        note(f"note: {fact}; {advice}")
    return 0
