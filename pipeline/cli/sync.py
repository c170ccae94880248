"""``convtune sync``: sends what MLflow lacks of a study."""

import argparse

from pipeline.cli.help import tell_exit_code

HELP = "send MLflow what it lacks of a study: runs, files, the best model"

EXAMPLES = ("convtune sync mine",)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the study."""
    parser.add_argument("study", metavar="STUDY", help="name or path of a study; not one that runs")
    tell_exit_code(parser, "something is still missing in MLflow")


def run(args: argparse.Namespace) -> int:
    """Sends it, and says how many runs were missing."""
    from pipeline.console import warn
    from pipeline.errors import printable
    from pipeline.study.paths import find

    find(args.study)  # what is unknown is refused before the second that the next import takes
    from pipeline.steps.sync import sync_study

    done = sync_study(args.study)
    print(f"Runs of trials: {done.written} of {done.trials} were missing or differed")
    if done.model:
        print(f"Model:          {printable(done.model)}")
    for problem in done.problems:
        warn(problem)
    return 1 if done.problems else 0
