"""Tables of search spaces: all that ship, one space with its hyperparameters, one network of a space."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Literal

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from pipeline.candidate import FamilyCandidate
from pipeline.hyperparameter import Conditions, Index, Params, Scalar, format_value, join_key
from pipeline.quantity import counted
from pipeline.report.layers_table import describe_layers, format_shape
from pipeline.space import SearchedHyperparameter, Space, enumeration
from pipeline.space.limits import COSTS

_MOST_EXACT = 10**12
"""Sizes from here on are rounded: nobody reads more digits."""


def spaces_table(spaces: Iterable[tuple[Space, str]]) -> Table:
    """One row per space: its name, its number of points and its description."""
    table = _columns("left", "right", "left")
    for space, description in spaces:
        table.add_row(space.name, format_size(enumeration.size(space)), Text(description))
    return table


def space_as_json(space: Space) -> dict[str, Any]:
    """A space as plain values; ``points`` is None where a continuous range makes them infinite."""
    return {
        "name": space.name,
        "points": enumeration.size(space),
        "hyperparameters": hyperparameter_rows(space)[: len(space.searched)],
        "constants": dict(space.constants),
        "limits": dict(space.limits),
        "start_from": dict(space.start_from),
    }


def hyperparameter_rows(space: Space) -> list[dict[str, Any]]:
    """One row per searched hyperparameter, then one per constant.

    The columns are hyperparameter, range, condition, points (None: infinite), default and help.
    """
    rows = [
        _row(space, entry.name, str(entry.domain), [f"per {entry.per}"] * bool(entry.per), entry.when)
        | {"points": entry.domain.count()}
        for entry in space.searched
    ]
    for key, value in space.constants.items():
        name, _ = space.hyperparameters.split_key(key)
        rows.append(_row(space, key, format_value(value), ["fixed"], space.hyperparameters[name].when) | {"points": 1})
    return rows


def space_summary(space: Space) -> Iterator[RenderableType]:
    """The parts of a space for people: heading, hyperparameters, limits, start points."""
    yield f"Space {space.name}: {format_size(enumeration.size(space))}\n"
    yield hyperparameters_table(space)
    bounds = [f"{cost} up to {COSTS[cost].format(bound)}" for cost, bound in space.limits.items()]
    yield f"\nLimits: {'; '.join(bounds) or 'none'}"
    if space.start_from:
        yield "\nTried first:"
        points = _columns("left", "left")
        for name, point in space.start_from.items():
            points.add_row(name, format_point(space, point))
        yield points


def hyperparameters_table(space: Space) -> Table:
    """The ``hyperparameter_rows`` for people, without the help."""
    headers = ("hyperparameter", "range", "condition", "default", "points")
    table = _columns("left", "left", "left", "left", "right", headers=headers)
    for column in table.columns:
        column.no_wrap = column.header in ("hyperparameter", "points")
    for row in hyperparameter_rows(space):
        points = "continuous" if row["points"] is None else f"{row['points']:,}"
        table.add_row(row["hyperparameter"], row["range"], row["condition"], format_value(row["default"]), points)
    return table


def network_as_json(candidate: FamilyCandidate) -> dict[str, Any]:
    """A network as plain values: its layers in order, its totals, and the params it was made from."""
    architecture = candidate.architecture
    return {
        "layers": describe_layers(architecture),
        "parameters": architecture.parameters,
        "non_trainable": architecture.non_trainable,
        "macs": architecture.macs,
        "receptive_field": architecture.receptive_field,
        "memory": candidate.costs["memory"],
        "batch_size": candidate.recipe.batch_size,
        "image": architecture.input_shape,
        "classes": architecture.classes,
        "params": candidate.params,
    }


def totals_table(candidate: FamilyCandidate) -> Table:
    """One row per total of a network: image, parameters, MACs, receptive field and training memory."""
    architecture = candidate.architecture
    memory = COSTS["memory"].format(candidate.costs["memory"])
    table = _columns("left", "left")
    table.add_row("image", f"{format_shape(architecture.input_shape)}, {architecture.classes:,} classes")
    table.add_row("parameters", f"{architecture.parameters:,} trainable, {architecture.non_trainable:,} not")
    table.add_row("MACs", f"{architecture.macs:,}")
    table.add_row("receptive field", f"{architecture.receptive_field:,}")
    table.add_row("training memory", f"{memory} at batch size {candidate.recipe.batch_size}")
    return table


def format_size(size: int | None) -> str:
    """The size of a space in words, ``continuous`` for None.

    >>> format_size(1), format_size(20_000), format_size(10**15)
    ('1 point', '20,000 points', 'about 1.0e+15 points')
    """
    if size is None:
        return "continuous"
    if size >= _MOST_EXACT:
        return f"about {Decimal(size):.1e} points"
    return counted(size, "point")


def format_point(space: Space, point: Params) -> str:
    """The searched part of a complete point of ``space``, in the form that ``--try`` takes.

    >>> from pipeline.space import complete, load
    >>> space = load("grid")
    >>> format_point(space, complete(space, {"blocks": 2, "fc_layers": 0}))
    'blocks=2, filters=8, pool=max, fc_layers=0'
    """
    return ", ".join(setting for entry in space.searched for setting in _settings(space, point, entry))


def _settings(space: Space, point: Params, entry: SearchedHyperparameter) -> list[str]:
    """``name=value``, or a list with a value for each repetition; where only some are drawn, each by its own key."""
    hyperparameters = space.hyperparameters
    keys = {
        index: join_key(entry.name, index)
        for index in hyperparameters.repetitions(point, hyperparameters.counters(entry.per))
    }
    drawn = {index: point[key] for index, key in keys.items() if key in point and key not in space.constants}
    if drawn and (len(drawn) == len(keys) or len(set(drawn.values())) == 1):
        return [f"{entry.name}={_nest(drawn)}"]
    return [f"{keys[index]}={format_value(value)}" for index, value in drawn.items()]


def _nest(values: Mapping[Index, Scalar]) -> str:
    """One value if all repetitions have the same, else a list with an entry for each, nested as their indices."""
    first, *others = values.values()
    if all(value == first for value in others):
        return format_value(first)
    outermost = dict.fromkeys(index[0] for index in values)
    inner = ({index[1:]: value for index, value in values.items() if index[0] == number} for number in outermost)
    return f"[{','.join(map(_nest, inner))}]"


def _row(space: Space, key: str, values: str, notes: list[str], when: Conditions) -> dict[str, Any]:
    name, _ = space.hyperparameters.split_key(key)
    conditions = (f"when {parent} is {' or '.join(map(format_value, allowed))}" for parent, allowed in when)
    return {
        "hyperparameter": key,
        "range": values,
        "condition": ", ".join([*notes, *conditions]),
        "default": space.hyperparameters[name].default,
        "help": space.hyperparameters[name].help,
    }


def _columns(*justify: Literal["left", "right"], headers: tuple[str, ...] = ()) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=bool(headers), header_style="bold")
    for number, side in enumerate(justify):
        table.add_column(headers[number] if headers else "", justify=side)
    return table
