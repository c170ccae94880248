"""``convtune delete``: removes a study and its runs in MLflow, after asking."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.steps.delete_study import Deletion

from pipeline.cli.help import tell_exit_code

HELP = "delete a study: its folder and its runs in MLflow, after asking"

EXAMPLES = ("convtune delete mine", "convtune delete mine --models --yes")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the study, what is kept, and whether to ask."""
    parser.add_argument("study", metavar="STUDY", help="name or path of a study; not one that runs")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    kept = parser.add_mutually_exclusive_group()
    kept.add_argument("--models", action="store_true", help="delete the versions in the model registry too")
    kept.add_argument("--keep-runs", action="store_true", help="delete the folder alone, without asking MLflow")
    tell_exit_code(parser, "nothing deleted: the answer was no")


def run(args: argparse.Namespace) -> int:
    """Shows what goes, asks, deletes."""
    import sys

    from pipeline.errors import JobError
    from pipeline.study.removal import find_removable

    find_removable(args.study)  # what is unknown is refused before the second that the next import takes
    if not args.yes and not sys.stdin.isatty():
        raise JobError("--yes: nobody can be asked, since the input is not a terminal; give --yes to delete it")
    from pipeline.steps.delete_study import delete_study

    done = delete_study(args.study, args.keep_runs, args.models, _accept if args.yes else _ask)
    if done is None:
        print("Nothing was deleted.")
        return 1
    print(f"Deleted: {done.summary}.")
    if done.runs is not None and done.runs.runs:
        print("MLflow can restore these runs until `mlflow gc` removes them for good.")
    return 0


def _accept(deletion: "Deletion") -> bool:
    print("\n".join(deletion.describe()))
    return True


def _ask(deletion: "Deletion") -> bool:
    """Asks; whether the answer is yes. The end of the input counts as no."""
    print("\n".join(deletion.describe()))
    try:
        return input("Delete that? [y/N] ").strip().casefold() in ("y", "yes")
    except EOFError:
        print()
        return False
