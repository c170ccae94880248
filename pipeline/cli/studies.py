"""``convtune studies``: the studies in a folder."""

import argparse

HELP = "list the studies in a folder: data, space, trials, best, state, last run"

EXAMPLES = ("convtune studies", "convtune studies /data/studies --json")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the folder and the format."""
    parser.add_argument("folder", metavar="FOLDER", nargs="?", help="folder that holds studies (default: studies)")
    parser.add_argument("--json", action="store_true", help="print a JSON list, one object per study")


def run(args: argparse.Namespace) -> int:
    """Prints the list. A damaged study is one line of it."""
    import json
    from pathlib import Path

    from pipeline.console import show, status
    from pipeline.study.paths import ROOT

    folder = ROOT if args.folder is None else Path(args.folder)
    with status("reading the studies") as progress:
        from pipeline.report.study_list import list_studies, render_studies, studies_in  # a second, for Optuna

        found = studies_in(folder) if args.folder is not None or folder.is_dir() else []
        studies = list_studies(found, progress)
    if args.json:
        print(json.dumps([study.as_json() for study in studies], indent=1, ensure_ascii=False, allow_nan=False))
    elif studies:
        show(render_studies(studies))
    else:
        print(f"No studies in {folder}. Begin one:  convtune tune --data FOLDER --study NAME")
    return 0
