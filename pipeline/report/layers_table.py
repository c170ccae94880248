"""The layers of an architecture as a table: what each one does, its output shape and its costs."""

from typing import Any, Literal

from rich.table import Table

from pipeline.architecture import Architecture, ops
from pipeline.architecture.op import Op, Shape

_HEADERS = {
    "name": "layer",
    "op": "op",
    "shape": "output",
    "parameters": "parameters",
    "macs": "MACs",
    "receptive_field": "receptive field",
}


def describe_layers(architecture: Architecture) -> list[dict[str, Any]]:
    """One row per layer: name, op, shape, parameters, macs and receptive_field (None: the whole image)."""
    return [
        {
            "name": layer.name,
            "op": describe_op(layer.op),
            "shape": layer.shape,
            "parameters": layer.parameters,
            "macs": layer.macs,
            "receptive_field": layer.receptive_field,
        }
        for layer in architecture.layers
    ]


def build_layers_table(architecture: Architecture) -> Table:
    """The rows of ``describe_layers`` for people. On a narrow terminal words are folded, numbers never."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name, header in _HEADERS.items():
        justify: Literal["left", "right"] = "left" if name in ("name", "op") else "right"
        table.add_column(header, justify=justify, no_wrap=name in ("shape", "parameters", "macs"), overflow="fold")
    for row in describe_layers(architecture):
        field = "image" if row["receptive_field"] is None else f"{row['receptive_field']:,}"
        shape = format_shape(row["shape"])
        table.add_row(row["name"], row["op"], shape, f"{row['parameters']:,}", f"{row['macs']:,}", field)
    return table


def format_shape(shape: Shape) -> str:
    """A shape as people write it.

    >>> format_shape((55, 55, 96)), format_shape((4096,))
    ('55x55x96', '4096')
    """
    return "x".join(map(str, shape))


def describe_op(op: Op) -> str:
    """An op in a few words: the stride only where it is not 1, the padding only where it is not the op's default.

    >>> describe_op(ops.Conv(filters=96, kernel=11, stride=4, padding="valid", groups=2))
    'conv 11x11/4 valid, 96, 2 groups'
    """
    match op:
        case ops.Conv():
            words = [f"conv {_window(op.kernel, op.stride)}{' valid' * (op.padding == 'valid')}", str(op.filters)]
            words += [f"{op.groups} groups"] * (op.groups > 1) + ["no bias"] * (not op.bias)
            return ", ".join(words)
        case ops.Pool():
            return f"{op.kind} pool {_window(op.size, op.stride)}{' same' * (op.padding == 'same')}"
        case ops.Dense():
            return f"dense {op.units}"
        case ops.Activation():
            return op.kind
        case ops.Dropout():
            return f"dropout {op.rate:g}"
    return _NAMES[type(op)]


_NAMES: dict[type[Op], str] = {
    ops.BatchNorm: "batch norm",
    ops.GlobalAveragePool: "global average pool",
    ops.Flatten: "flatten",
    ops.Add: "add",
    ops.Concat: "concat",
}
"""Ops that have nothing but a name."""


def _window(side: int, stride: int) -> str:
    return f"{side}x{side}" + f"/{stride}" * (stride > 1)
