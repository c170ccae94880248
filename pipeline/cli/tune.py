"""``convtune tune``: the flags of a study."""

import argparse

from pipeline.job import EXECUTORS, PRECISIONS, PRUNERS, SEARCHES
from pipeline.objective import ACCURACY, MINIMISED

HELP = "search for the best network: start a study, or go on with one"


def arguments(parser: argparse.ArgumentParser) -> None:
    """The keys of a job file as flags; what is not given is None and changes nothing."""
    parser.add_argument("job", nargs="?", metavar="JOB.yaml", help="a job file with the keys below; flags win over it")
    add = parser.add_argument
    add("--data", metavar="PATH|NAME", help="folder of images, .npz file, or a name from `convtune datasets`")
    add("--space", metavar="NAME|FILE", help="see `convtune spaces`; or a HyperModel, file.py:build (default quick)")
    add("--search", metavar="|".join(SEARCHES), help="how to search (default bayesian)")
    names = f"{ACCURACY}[,{'|'.join(MINIMISED)}...]"
    add("--objective", metavar=names, help="find the Pareto front of accuracy and low costs (default accuracy alone)")
    add("--trials", metavar="N", help="trials the study shall have in total (default 20; a grid: all)")
    add("--time", metavar="T", help="stop after this long: 600s, 10m, 1h30m")
    add("--epochs", metavar="N", help="epochs of a full training (default 10)")
    add("--workers", metavar="N", help="trials that run side by side (default 1)")
    add("--pruner", metavar="|".join(PRUNERS), help="how poor trials are stopped early (default asha)")
    add("--study", metavar="NAME|PATH", help="name of the study; an old one goes on (default: a new one)")
    add("--seed", metavar="N", help="seed of splits, search and training (default 0)")
    add("--try", metavar="K=V,...|NAME", action="append", help="point, or name of one, tried first; repeatable")
    add("--set", metavar="K=V,...", action="append", help="fix parameters of the space; repeatable")
    add("--limit", metavar="K=V,...", action="append", help="replace limits of the space, none lifts one; repeatable")
    add("--image-size", metavar="N|HxW", help="resize to this (default: the median size, at most 256)")
    add("--precision", metavar="|".join(PRECISIONS), help="number format of the training (default auto)")
    add("--executor", metavar="|".join(EXECUTORS), help="worker processes, or all in this one (default local)")
    talk = parser.add_mutually_exclusive_group()
    talk.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors and the result")
    talk.add_argument(
        "-v", "--verbose", action="store_true", help="show what libraries print, every epoch and all values"
    )


def run(args: argparse.Namespace) -> int:
    """Runs the study."""
    from pipeline.tune import tune

    flags = {name: value for name, value in vars(args).items() if name not in ("command", "job", "quiet", "verbose")}
    return tune(args.job, flags, quiet=args.quiet, verbose=args.verbose)
