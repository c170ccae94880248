"""``convtune spaces``: the search spaces that ship with convtune, one space, or one network of a space."""

import argparse
import re
from typing import TYPE_CHECKING, Any

from pipeline.cli.help import describe
from pipeline.cli.types import flag_type, whole_number

if TYPE_CHECKING:
    from pipeline.candidate import FamilyCandidate
    from pipeline.space import Space

HELP = "list the search spaces, show every hyperparameter of one, or every layer of a network in it"

EXAMPLES = ("convtune spaces show plain", "convtune spaces show vgg --point vgg16 --image 224x224x3")

_SIDE, _CLASSES = 224, 1000
"""The images and classes of ImageNet, on which published networks are compared."""


def image_shape(text: str) -> tuple[int, int, int]:
    """(height, width, channels) of ``28x28x1``; three channels and a square unless it says otherwise."""
    match = re.fullmatch(r"([1-9]\d{0,3})(?:x([1-9]\d{0,3})(?:x([13]))?)?", text)
    if match is None:
        raise ValueError("expected height x width x channels (1 or 3) such as 28x28x1")
    return int(match[1]), int(match[2] or match[1]), int(match[3] or 3)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing, or ``show`` and a space."""
    actions = parser.add_subparsers(dest="action", metavar="show")
    description = "show every hyperparameter of a space, or every layer of a network in it"
    show = actions.add_parser("show", help=description, **describe(description, EXAMPLES))
    show.add_argument("space", metavar="NAME|FILE", help="name of a space, or path of a space file")
    show.add_argument("--point", metavar="NAME|K=V,...", help="show the network of a start point, or of these params")
    image = f"shape of the images (default: the size that the point is designed for, else {_SIDE}x{_SIDE}x3)"
    show.add_argument("--image", type=flag_type(image_shape), metavar="HxWxC", help=image)
    classes = f"number of classes (default: {_CLASSES})"
    show.add_argument("--classes", type=whole_number(2), metavar="N", help=classes)
    show.add_argument("--json", action="store_true", help="print a JSON object")


def run(args: argparse.Namespace) -> int:
    """Prints the list, one space, or one network."""
    from pipeline.errors import JobError
    from pipeline.space import load

    if args.action is None:
        _print_list()
        return 0
    space = load(args.space)
    if args.point is not None:
        _print_network(_network(space, args.point, args.image, args.classes or _CLASSES), args.json)
        return 0
    for flag in ("image", "classes"):
        if getattr(args, flag) is not None:
            raise JobError(f"--{flag}: says how large the network of a --point is; add --point")
    _print_space(space, args.json)
    return 0


def _network(space: "Space", text: str, shape: tuple[int, int, int] | None, classes: int) -> "FamilyCandidate":
    """The network of a point, whatever the limits of its space; errors name the flag."""
    from pipeline.architecture import Infeasible
    from pipeline.candidate import design
    from pipeline.errors import SpaceError
    from pipeline.job.parsers import parse_attempt
    from pipeline.space import complete

    try:
        params = complete(space, parse_attempt(text))
    except (SpaceError, ValueError) as error:
        raise SpaceError(f"--point: {error}") from None
    side = int(params.get("designed_for", 0)) or _SIDE
    shape = shape or (side, side, 3)
    try:
        return design(params, shape, classes)
    except Infeasible as infeasible:
        current = "x".join(map(str, shape))
        raise SpaceError(f"--point: {infeasible.reason}; change the point or --image (now {current})") from None


def _print_list() -> None:
    from pipeline.console import note, show
    from pipeline.report.space_tables import spaces_table
    from pipeline.space import available, load

    show(spaces_table((load(name), description) for name, description in available()))
    note("", "Look at one:  convtune spaces show quick", "Search one:   convtune tune --data photos --space plain")


def _print_space(space: "Space", as_json: bool) -> None:
    from pipeline.console import show
    from pipeline.report.space_tables import space_as_json, space_summary

    if as_json:
        _print_json(space_as_json(space))
        return
    for part in space_summary(space):
        show(part, folded=True)  # a space is read, not searched


def _print_network(network: "FamilyCandidate", as_json: bool) -> None:
    """As a table, one line per layer however wide the terminal is: it is read and searched."""
    from pipeline.console import show
    from pipeline.report.layers_table import build_layers_table
    from pipeline.report.space_tables import network_as_json, totals_table

    if as_json:
        _print_json(network_as_json(network))
        return
    show(build_layers_table(network.architecture))
    print()
    show(totals_table(network))


def _print_json(content: dict[str, Any]) -> None:
    import json

    print(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False))
