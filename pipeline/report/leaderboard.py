"""The trials as tables for a terminal: the leaderboard, and the list of trials."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pipeline.record import Record, ranked
from pipeline.report.compact import compact, count, telling, varying
from pipeline.report.table import COLUMNS
from pipeline.report.table import columns as table_columns
from pipeline.trial import State

STYLES = {
    State.RUNNING: "cyan",
    State.COMPLETE: "green",
    State.PRUNED: "yellow",
    State.FAILED: "red",
    State.INTERRUPTED: "magenta",
}
_Columns = Mapping[str, Callable[[Record], Text]]
_NONE = "-"
_GAP = 2


def leaderboard(records: Sequence[Record], top: int = 10) -> RenderableType:
    """The best ``top`` trials: rank, number, value, epochs, costs, seconds, and the values that vary.

    A study with a Pareto front shows all of it, also where it is longer than ``top``. What varies is taken from all
    the records. A line says how many more there are, or that no trial has a value yet.
    """
    ranking = ranked(records)
    chosen = ranking[: max(top, sum(record.front for record in records))]
    if not chosen:
        return Text("No trial has a value.")
    ranks = {record.number: str(place) for place, record in enumerate(chosen, start=1)}
    columns: dict[str, Callable[[Record], Text]] = {
        "rank": lambda record: Text(ranks[record.number]),
        "trial": lambda record: Text(str(record.number)),
        "value": _value,
        "front": _front,
        "epochs": lambda record: Text(str(record.outcome.epochs)),
        "parameters": lambda record: _count(record.parameters),
        "MACs": lambda record: _count(record.macs),
        "latency_ms": _latency,
        "seconds": _seconds,
    }
    if any(record.state is not State.COMPLETE for record in chosen):
        columns["state"] = _state
    listed = _Listing(chosen, _needed(columns, records), varying(records))
    left = len(ranking) - len(chosen)
    return Group(listed, Text(f"and {left:,} more: convtune trials", "dim")) if left else listed


def listing(records: Sequence[Record], among: Sequence[Record]) -> RenderableType:
    """The records in their order; the values shown are those that vary ``among`` all the trials of the study."""
    return _Listing(records, _needed(_COLUMNS, among), varying(among))


def infeasible_line(infeasible: Mapping[str, int]) -> str:
    """``12 infeasible proposals: 8 map vanishes, 4 macs over the limit``, or "" when there were none."""
    total = sum(infeasible.values())
    if not total:
        return ""
    kinds = ", ".join(f"{number:,} {kind}" for kind, number in Counter(infeasible).most_common())
    return f"{total:,} infeasible proposal{'s' if total != 1 else ''}: {kinds}"


def _value(record: Record) -> Text:
    return Text(_NONE if record.value is None else f"{record.value:.4f}")


def _front(record: Record) -> Text:
    return Text("yes" if record.front else "", "bold")


def _count(number: int | None) -> Text:
    return Text(_NONE if number is None else count(number))


def _latency(record: Record) -> Text:
    return Text(f"{record.costs['latency_ms']:.3g}" if "latency_ms" in record.costs else _NONE)


def _seconds(record: Record) -> Text:
    return Text(f"{record.outcome.seconds:,.1f}")


def _state(record: Record) -> Text:
    return Text(record.state.value, STYLES[record.state])


_COLUMNS: _Columns = {
    "number": lambda record: Text(str(record.number)),
    "state": _state,
    "value": _value,
    "front": _front,
    "epochs": lambda record: Text(str(record.outcome.epochs)),
    "seconds": _seconds,
    "parameters": lambda record: Text(_NONE if record.parameters is None else f"{record.parameters:,}"),
    "macs": lambda record: _count(record.macs),
    "latency_ms": _latency,
}


def _needed(columns: _Columns, records: Iterable[Record]) -> _Columns:
    """Without the columns that no table of these records has."""
    absent = set(COLUMNS) - set(table_columns(records))
    return {name: cell for name, cell in columns.items() if name not in absent}


@dataclass(frozen=True)
class _Listing:
    """A line a trial; where the values do not fit beside the numbers they get lines of their own below them."""

    records: Sequence[Record]
    columns: _Columns
    stems: Sequence[str]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        numbers, values = self._table(), [self._values(record) for record in self.records]
        room = options.max_width - console.measure(numbers, options=options).maximum
        if max((text.cell_len for text in values), default=0) <= room:
            yield self._table(values)
            return
        lines = console.render_lines(numbers, options, pad=False)
        for line, text in zip(lines, [Text(), *values], strict=True):
            yield from line
            yield Text()
            if text:
                yield Padding(text, (0, 0, 0, 2 * _GAP))

    def _table(self, values: Sequence[Text] = ()) -> Table:
        table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="bold")
        for name in self.columns:
            table.add_column(name, justify="left" if name == "state" else "right", no_wrap=True)
        if values:
            table.add_column("values", no_wrap=True)
        for record, *text in zip(self.records, *([values] if values else []), strict=True):
            table.add_row(*(cell(record) for cell in self.columns.values()), *text)
        return table

    def _values(self, record: Record) -> Text:
        text = Text(compact(record.values, self.stems))
        if why := telling(record.outcome):
            text.append(f"{'  ' if text else ''}({why})", "dim")
        return text
