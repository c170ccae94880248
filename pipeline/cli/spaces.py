"""``convtune spaces``: the search spaces that ship with convtune, and every parameter of one."""

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from pipeline.space import Space

HELP = "list the search spaces, or show every parameter of one"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing, or ``show`` and a space."""
    actions = parser.add_subparsers(dest="action", metavar="show")
    show = actions.add_parser("show", help="every parameter of a space", allow_abbrev=False)
    show.add_argument("space", metavar="NAME|FILE", help="name of a space, or path of a space file")
    show.add_argument("--json", action="store_true", help="print a JSON object")


def run(args: argparse.Namespace) -> int:
    """Prints the list, or one space."""
    if args.action is None:
        _list()
        return 0
    from pipeline.space import load

    space = load(args.space)
    if args.json:
        import json

        print(json.dumps(as_json(space), indent=1, ensure_ascii=False, allow_nan=False))
    else:
        _show(space)
    return 0


def as_json(space: "Space") -> dict[str, Any]:
    """A space as plain values; ``points`` is None where a continuous range makes them infinite."""
    return {
        "name": space.name,
        "family": space.constants["family"],
        "points": space.size(),
        "parameters": [row for row in space.rows() if row["condition"] != "fixed"],
        "constants": {key: value for key, value in space.constants.items() if key != "family"},
        "limits": dict(space.limits),
        "start_from": list(space.start_from),
    }


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
    _print(f"Space {space.name}, family {space.constants['family']}: {_points(space.size())}\n")
    _print(_parameters(space))
    limits = [f"at most {limit:,} {cost}" for cost, limit in space.limits.items()]
    _print(f"\nLimits: {', '.join(limits) or 'none'}")
    if not space.start_from:
        return
    _print("\nTried first:")
    points = _columns("right", "left")
    for number, point in enumerate(space.start_from, start=1):
        points.add_row(str(number), _point(space, point))
    _print(points)


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


def _point(space: "Space", point: "dict[str, Any]") -> str:
    """What is not the same in every point of the space, in few characters."""
    from pipeline.report.compact import compact, grouped

    return compact(point, [stem for stem in grouped(point) if stem not in space.constants])


def _points(size: int | None) -> str:
    return "continuous" if size is None else f"{size:,} point{'' if size == 1 else 's'}"


def _columns(*justify: Any, header: bool = False) -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=header, header_style="bold")
    for side in justify:
        table.add_column(justify=side)
    return table


def _print(renderable: "RenderableType") -> None:
    from rich.console import Console

    console = Console(highlight=False, markup=False)
    with console.capture() as captured:
        console.print(renderable)
    print("\n".join(line.rstrip() for line in captured.get().splitlines()))
