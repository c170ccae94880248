"""``convtune tune``: every setting of a job as a flag."""

import argparse

from pipeline.cli.help import tell_exit_code
from pipeline.cli.types import flag_type
from pipeline.job import SETTINGS

HELP = "search for the best network: start a study, or continue one"

EXAMPLES = (
    "convtune tune --data photos --time 30m",
    "convtune tune --data photos --space resnet --limit macs=50M --trials 40",
)

_RETRY = "try again, under their numbers, the trials that failed through a fault of the machine, such as a full disk"


def arguments(parser: argparse.ArgumentParser) -> None:
    """A job file, and a flag for each of its keys. A flag that is not given is None and changes nothing."""
    parser.usage = "%(prog)s [JOB.yaml] [--data PATH|NAME] [--space NAME|FILE] [--time T] ..."
    parser.add_argument("job", nargs="?", metavar="JOB.yaml", help="a job file with the keys below; flags win over it")
    names = dict.fromkeys(setting.group for setting in SETTINGS.values())
    groups = {name: parser.add_argument_group(name) for name in names}
    for key, setting in SETTINGS.items():
        groups[setting.group].add_argument(
            setting.flag,
            dest=key,
            action="append" if setting.repeatable else "store",
            type=flag_type(setting.parse),
            metavar=setting.flag_metavar,
            help=setting.flag_help,
        )
    parser.add_argument("--retry-failed", action="store_true", help=_RETRY)
    tell_exit_code(parser, "no trial left a model, or the machine failed")
    output = parser.add_mutually_exclusive_group()
    output.add_argument("-q", "--quiet", action="store_true", help="print only errors and the result")
    output.add_argument(
        "-v", "--verbose", action="store_true", help="show every epoch, all params and the output of libraries"
    )


def run(args: argparse.Namespace) -> int:
    """Runs the study."""
    from pipeline.steps import tune

    flags = {key: getattr(args, key) for key in SETTINGS}
    return tune(args.job, flags, quiet=args.quiet, verbose=args.verbose, retry_failed=args.retry_failed)
