"""``convtune promote``: makes the best model of a study the champion of its registered name."""

import argparse

HELP = "make a study's best model the champion in MLflow's registry"

EXAMPLES = ("convtune promote mine",)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the study."""
    parser.add_argument("study", metavar="STUDY", help="name or path of a study")


def run(args: argparse.Namespace) -> int:
    """Moves the alias, whatever the scores are, and says which version had it before."""
    from pipeline.console import status
    from pipeline.errors import StudyError
    from pipeline.study.fingerprint import read_fingerprint
    from pipeline.study.paths import find

    paths = find(args.study)
    run = read_fingerprint(paths).run
    with status("asking MLflow's registry"):
        from pipeline.tracking import promote  # seconds, since it imports MLflow

        done = promote(run)
    if done is None:
        how = f"`convtune tune --study {paths.argument}` does that when it ends"
        raise StudyError(f"study {paths.name}: its best model is not registered; {how}")
    print(done)
    return 0
