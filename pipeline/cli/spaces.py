"""``convtune spaces``: the search spaces that ship with convtune, every parameter of one, every layer of a point."""

import argparse
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from pipeline.hyperparameter import Scalar, Values
    from pipeline.search.candidate import FamilyCandidate
    from pipeline.space import Parameter, Space
    from pipeline.space.names import Index

_MANY = 10**12
"""Nobody reads more digits."""

HELP = "list the search spaces, show every parameter of one, or every layer of a network in it"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing, or ``show`` and a space."""
    actions = parser.add_subparsers(dest="action", metavar="show")
    show = actions.add_parser("show", help="every parameter of a space, or every layer of a point", allow_abbrev=False)
    show.add_argument("space", metavar="NAME|FILE", help="name of a space, or path of a space file")
    show.add_argument("--point", metavar="NAME|K=V,...", help="the network of a start point, or of these values")
    image = "images it sees (default: what the point was designed for, else 224x224x3)"
    show.add_argument("--image", metavar="HxWxC", help=image)
    show.add_argument("--classes", metavar="N", help="classes it tells apart (default 1000)")
    show.add_argument("--json", action="store_true", help="print a JSON object")


def run(args: argparse.Namespace) -> int:
    """Prints the list, one space, or one network."""
    if args.action is None:
        _list()
        return 0
    from pipeline.errors import JobError
    from pipeline.space import load

    space = load(args.space)
    if args.point is not None:
        network = _candidate(space, args.point, args.image, args.classes)
        _print_json(network_as_json(network)) if args.json else _show_network(network)
        return 0
    for flag in ("image", "classes"):
        if getattr(args, flag) is not None:
            raise JobError(f"--{flag}: says how large the network of a --point is; name one")
    _print_json(as_json(space)) if args.json else _show(space)
    return 0


def as_json(space: "Space") -> dict[str, Any]:
    """A space as plain values; ``points`` is None where a continuous range makes them infinite."""
    return {
        "name": space.name,
        "points": space.size(),
        "parameters": space.rows()[: len(space.parameters)],
        "constants": dict(space.constants),
        "limits": dict(space.limits),
        "start_from": dict(space.start_from),
    }


def network_as_json(candidate: "FamilyCandidate") -> dict[str, Any]:
    """A network as plain values: its layers in order, its totals, and the values it was made from."""
    from pipeline.report import layers

    architecture = candidate.architecture
    return {
        "layers": layers.rows(architecture),
        "parameters": architecture.parameters,
        "non_trainable": architecture.non_trainable,
        "macs": architecture.macs,
        "receptive_field": architecture.receptive_field,
        "memory": candidate.costs["memory"],
        "batch_size": candidate.recipe.batch_size,
        "image": architecture.input_shape,
        "classes": architecture.classes,
        "values": candidate.values,
    }


def _candidate(space: "Space", text: str, image: str | None, classes: str | None) -> "FamilyCandidate":
    """The network of a point, whatever the limits of its space; errors name the flag."""
    from pipeline.architecture import Infeasible
    from pipeline.errors import SpaceError
    from pipeline.job import attempt
    from pipeline.loading import whole
    from pipeline.search.candidate import designed

    try:
        values = space.complete(attempt(text))
    except (SpaceError, ValueError) as error:
        raise SpaceError(f"--point: {error}") from None
    side = int(values.get("designed_for", 0)) or 224
    shape = (side, side, 3) if image is None else _image(image)
    count = 1000 if classes is None else whole("--classes", classes, 2)
    try:
        return designed(values, shape, count)
    except Infeasible as infeasible:
        now = "x".join(map(str, shape))
        raise SpaceError(f"--point: {infeasible.reason}; change the point or --image (now {now})") from None


def _image(text: str) -> tuple[int, int, int]:
    from pipeline.errors import JobError

    match = re.fullmatch(r"([1-9]\d{0,3})(?:x([1-9]\d{0,3})(?:x([13]))?)?", text)
    if match is None:
        raise JobError(f"--image: expected height x width x channels (1 or 3) such as 28x28x1, got {text!r}")
    return int(match[1]), int(match[2] or match[1]), int(match[3] or 3)


def _list() -> None:
    from rich.text import Text

    from pipeline.printing import show
    from pipeline.space import available, load

    table = _columns("left", "right", "left")
    for name, line in available():
        table.add_row(name, _points(load(name).size()), Text(line))
    show(table)


def _show(space: "Space") -> None:
    """Folded at the terminal's width, at 80 columns where there is none: the table is read, not searched."""
    from pipeline.space.limits import COSTS

    _print(f"Space {space.name}: {_points(space.size())}\n")
    _print(_parameters(space))
    bounds = [f"{cost} up to {COSTS[cost].shown(limit)}" for cost, limit in space.limits.items()]
    _print(f"\nLimits: {'; '.join(bounds) or 'none'}")
    if not space.start_from:
        return
    _print("\nTried first:")
    points = _columns("left", "left")
    for name, point in space.start_from.items():
        points.add_row(name, point_text(space, point))
    _print(points)


def _show_network(candidate: "FamilyCandidate") -> None:
    """One line a layer however wide the terminal: the table is read and searched."""
    from pipeline.printing import show
    from pipeline.report import layers
    from pipeline.space.limits import COSTS

    architecture = candidate.architecture
    show(layers.table(architecture))
    totals = _columns("left", "left")
    totals.add_row("image", f"{layers.size(architecture.input_shape)}, {architecture.classes:,} classes")
    totals.add_row("parameters", f"{architecture.parameters:,} trainable, {architecture.non_trainable:,} not")
    totals.add_row("MACs", f"{architecture.macs:,}")
    totals.add_row("receptive field", f"{architecture.receptive_field:,}")
    memory = COSTS["memory"].shown(candidate.costs["memory"])
    totals.add_row("training memory", f"{memory} at batch size {candidate.recipe.batch_size}")
    print()
    show(totals)


def _parameters(space: "Space") -> "Table":
    from pipeline.space.domain import shown

    table = _columns("left", "left", "left", "left", "right", header=True)
    for title, column in zip(("parameter", "range", "condition", "default", "points"), table.columns, strict=True):
        column.header = title
        column.no_wrap = title in ("parameter", "points")
    for row in space.rows():
        points = "continuous" if row["points"] is None else f"{row['points']:,}"
        table.add_row(row["parameter"], row["range"], row["condition"], shown(row["default"]), points)
    return table


def point_text(space: "Space", point: "Values") -> str:
    """What varies in a complete point of ``space``, as ``--try`` takes it."""
    return ", ".join(text for one in space.parameters for text in _settings(space, point, one))


def _settings(space: "Space", point: "Values", one: "Parameter") -> list[str]:
    """``name=value``, or a list with a value for each repetition; where only some are drawn, each by its own name."""
    from pipeline.space.domain import shown
    from pipeline.space.names import counters, expand, indices

    places = [*indices(space.known, point, counters(space.known, one.per))]
    names = {place: expand(one.name, place) for place in places}
    drawn = {place: point[name] for place, name in names.items() if name in point and name not in space.constants}
    if drawn and (len(drawn) == len(places) or len(set(drawn.values())) == 1):
        return [f"{one.name}={_nested(drawn)}"]
    return [f"{names[place]}={shown(value)}" for place, value in drawn.items()]


def _nested(values: "Mapping[Index, Scalar]") -> str:
    """One value if all repetitions have the same, else a list with an entry for each, as deep as it takes."""
    from pipeline.space.domain import shown

    found = [*values.values()]
    if all(one == found[0] for one in found):
        return shown(found[0])
    outermost = dict.fromkeys(index[0] for index in values)
    inner = ({index[1:]: one for index, one in values.items() if index[0] == place} for place in outermost)
    return f"[{','.join(map(_nested, inner))}]"


def _points(size: int | None) -> str:
    if size is not None and size >= _MANY:
        return f"about {Decimal(size):.1e} points"
    return "continuous" if size is None else f"{size:,} point{'' if size == 1 else 's'}"


def _columns(*justify: Any, header: bool = False) -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=header, header_style="bold")
    for side in justify:
        table.add_column(justify=side)
    return table


def _print_json(content: dict[str, Any]) -> None:
    import json

    print(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False))


def _print(renderable: "RenderableType") -> None:
    from rich.console import Console

    console = Console(highlight=False, markup=False)
    with console.capture() as captured:
        console.print(renderable)
    print("\n".join(line.rstrip() for line in captured.get().splitlines()))
