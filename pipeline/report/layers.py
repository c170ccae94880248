"""The layers of an architecture as a table: what each does, its output and what it costs."""

from typing import Any, Literal

from rich.table import Table

from pipeline.architecture import Architecture, ops
from pipeline.architecture.op import Op, Shape

_HEADERS = {"name": "layer", "op": "op", "shape": "output", "parameters": "parameters", "macs": "MACs"}
_HEADERS |= {"receptive_field": "receptive field"}


def rows(architecture: Architecture) -> list[dict[str, Any]]:
    """A row a layer: name, op in a few words, shape, parameters, macs and receptive_field (None: the whole image)."""
    return [
        {
            "name": layer.name,
            "op": words(layer.op),
            "shape": layer.shape,
            "parameters": layer.parameters,
            "macs": layer.macs,
            "receptive_field": layer.receptive_field,
        }
        for layer in architecture.layers
    ]


def table(architecture: Architecture) -> Table:
    """The ``rows`` for people; on a narrow terminal words are folded, numbers never."""
    columns = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name, header in _HEADERS.items():
        justify: Literal["left", "right"] = "left" if name in ("name", "op") else "right"
        columns.add_column(header, justify=justify, no_wrap=name in ("shape", "parameters", "macs"), overflow="fold")
    for row in rows(architecture):
        field = "image" if row["receptive_field"] is None else f"{row['receptive_field']:,}"
        columns.add_row(row["name"], row["op"], size(row["shape"]), f"{row['parameters']:,}", f"{row['macs']:,}", field)
    return columns


def size(shape: Shape) -> str:
    """``55x55x96`` of a map, ``4096`` of features."""
    return "x".join(map(str, shape))


def words(op: Op) -> str:
    """``conv 11x11/4 valid, 96, 2 groups``: kernel, stride unless it is 1, padding unless it is the op's usual one."""
    match op:
        case ops.Conv():
            parts = [f"conv {_window(op.kernel, op.stride)}{' valid' * (op.padding == 'valid')}", str(op.filters)]
            parts += [f"{op.groups} groups"] * (op.groups > 1) + ["no bias"] * (not op.bias)
            return ", ".join(parts)
        case ops.Pool():
            return f"{op.kind} pool {_window(op.size, op.stride)}{' same' * (op.padding == 'same')}"
        case ops.Dense():
            return f"dense {op.units}"
        case ops.Activation():
            return op.kind
        case ops.Dropout():
            return f"dropout {op.rate:g}"
    return _PLAIN[type(op)]


_PLAIN: dict[type[Op], str] = {
    ops.BatchNorm: "batch norm",
    ops.GlobalAveragePool: "global average pool",
    ops.Flatten: "flatten",
    ops.Add: "add",
    ops.Concat: "concat",
}


def _window(side: int, stride: int) -> str:
    return f"{side}x{side}" + f"/{stride}" * (stride > 1)
