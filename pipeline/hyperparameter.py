"""Hyperparameters: their legal values, their repetitions and the keys of a configuration."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pipeline.errors import SpaceError, nearest, nearest_or_all

Scalar = bool | int | float | str
Params = Mapping[str, Scalar]
"""A configuration: a value for each key, which is a hyperparameter or one of its repetitions (``filters_2``)."""
Index = tuple[int, ...]
"""Which repetition, counted from 1, outermost first: ``(1, 2)`` is the second convolution of the first block."""
ABBREVIATIONS: Mapping[str, str] = {"learning_rate": "lr"}
"""The names of hyperparameters that tables shorten, and that users may shorten too."""
Conditions = tuple[tuple[str, tuple[Scalar, ...]], ...]
"""Pairs of a name of a hyperparameter and the values allowed for it; all pairs must hold."""
T = TypeVar("T")


@dataclass(frozen=True)
class Hyperparameter:
    """A named quantity with its default, its legal values and one line of help.

    ``options`` lists the legal values of a categorical hyperparameter. ``low`` and ``high`` bound a number (both
    inclusive, None: unbounded). ``per`` names the hyperparameter that counts its repetitions: ``filters`` with
    ``per="blocks"`` may be given as ``filters_1 .. filters_n``, or once, as ``filters``, for all of them.
    The type of ``default`` is the type of every value (an int is a legal float). ``when`` says where it has an effect
    at all, such as ``filters`` only where ``family`` is ``plain``.
    """

    name: str
    default: Scalar
    help: str
    low: float | None = None
    high: float | None = None
    options: tuple[Scalar, ...] = ()
    per: str | None = None
    when: Conditions = ()

    def fault(self, value: object) -> str | None:
        """Why ``value`` is not legal, or None if it is.

        >>> Hyperparameter("blocks", 3, "blocks of convolutions", low=1).fault(0)
        '0 is below 1'
        """
        if not _is_same_kind(self.default, value):
            return f"expected {_KINDS[type(self.default)]}, got {value!r}"
        if self.options and value not in self.options:
            options = [str(option) for option in self.options]
            return f"{value!r} is not one of {', '.join(options)}{nearest(str(value), options)}"
        if isinstance(value, int | float) and not isinstance(value, bool):
            if self.low is not None and not value >= self.low:
                return f"{value} is below {self.low:g}"
            if self.high is not None and not value <= self.high:
                return f"{value} is above {self.high:g}"
        return None

    def validate(self, value: Any) -> Scalar:
        """``value`` in the type of the default (1 becomes 1.0 where that is a float); SpaceError with the fault."""
        fault = self.fault(value)
        if fault is not None:
            raise SpaceError(fault)
        valid: Scalar = float(value) if isinstance(self.default, float) else value
        return valid


class Hyperparameters(Mapping[str, Hyperparameter]):
    """Hyperparameters by name, in the given order, read-only; a later one replaces an earlier one of the same name.

    >>> table = Hyperparameters(
    ...     Hyperparameter("blocks", 3, "blocks of convolutions", low=1),
    ...     Hyperparameter("convs", 1, "convolutions in a block", low=1, per="blocks"),
    ...     Hyperparameter("filters", 32, "filters of a convolution", low=1, per="convs"),
    ... )
    >>> table.counters_of("filters")
    ('blocks', 'convs')
    >>> [table.value_of({"filters": 8, "filters_2": 16}, "filters", block, 1) for block in (1, 2)]
    [8, 16]
    """

    def __init__(self, *hyperparameters: Hyperparameter) -> None:
        self._by_name = {hyperparameter.name: hyperparameter for hyperparameter in hyperparameters}

    def __getitem__(self, name: str) -> Hyperparameter:
        return self._by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self._by_name  # Mapping's own raises and catches a KeyError for each miss

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(self)})"

    def value_of(self, params: Params, name: str, *index: int) -> Scalar:
        """The value of ``name`` at ``index``: its own (``filters_2``), else the shared one, else the default."""
        for key in setting_keys(name, index):
            if key in params:
                return params[key]
        return self[name].default

    def counters(self, per: str | None) -> tuple[str, ...]:
        """The counters of something that is repeated ``per`` a hyperparameter, outermost first.

        ``("blocks", "convs")`` for ``convs``, which are counted in each of the blocks; empty for None.
        """
        return () if per is None else (*self.counters(self[per].per), per)

    def counters_of(self, name: str) -> tuple[str, ...]:
        """The counters of a hyperparameter's repetitions, outermost first; empty when it is not repeated."""
        return self.counters(self[name].per)

    def split_key(self, key: str) -> tuple[str, Index]:
        """The hyperparameter and the repetition that ``key`` stands for, the reverse of ``join_key``.

        ``("filters", (2,))`` for ``filters_2`` and ``("filters", ())`` for ``filters``. SpaceError, with the nearest
        name, for an unknown key.
        """
        if key in self:
            return key, ()
        matches = ((name, re.fullmatch(rf"{re.escape(name)}((?:_[1-9][0-9]{{0,5}})+)", key)) for name in self)
        name, match = next((pair for pair in matches if pair[1]), ("", None))
        if match is None:
            raise SpaceError(f"unknown hyperparameter {format_value(key)}{nearest_or_all(key, self)}")
        index = tuple(int(number) for number in match[1].split("_")[1:])
        if len(index) > len(self.counters_of(name)):
            raise SpaceError(f"unknown hyperparameter {format_value(key)}: {name} has no such repetition; write {name}")
        return name, index

    def spell_out(self, settings: Mapping[str, T]) -> dict[str, T]:
        """The settings by full names, where some are shortened as tables print them (``lr``).

        SpaceError if a name is given in both ways.

        >>> Hyperparameters(Hyperparameter("learning_rate", 0.001, "")).spell_out({"lr": 0.01})
        {'learning_rate': 0.01}
        """
        full = {short: name for name, short in ABBREVIATIONS.items() if name in self and short not in self}
        for short, name in full.items():
            if {short, name} <= settings.keys():
                raise SpaceError(f"{short}: short for {name}, which is given too; give it once")
        return {full.get(key, key): value for key, value in settings.items()}

    def is_repetition(self, key: str) -> bool:
        """Whether ``key`` stands for a repetition, as ``filters_2`` does and ``filters`` does not."""
        try:
            return self.split_key(key)[1] != ()
        except SpaceError:
            return False

    def flatten(self, key: str, value: Any) -> dict[str, Scalar]:
        """The values by key: a single value under ``key``, those of a (nested) list under the keys of the repetitions.

        SpaceError for an unknown key and for a value that is not legal there.

        >>> table = Hyperparameters(
        ...     Hyperparameter("blocks", 2, ""), Hyperparameter("filters", 32, "", per="blocks")
        ... )
        >>> table.flatten("filters", [32, 64])
        {'filters_1': 32, 'filters_2': 64}
        """
        name, index = self.split_key(key)
        if not isinstance(value, list):
            return {key: self[name].validate(value)}
        if len(index) >= len(self.counters_of(name)):
            raise SpaceError(f"expected one value, got a list of {len(value)}")
        parts = (self.flatten(f"{key}_{number}", part) for number, part in enumerate(value, 1))
        return {flat_key: scalar for part in parts for flat_key, scalar in part.items()}

    def repetitions(self, params: Params, counters: tuple[str, ...], index: Index = ()) -> Iterator[Index]:
        """Every repetition under ``params``, in order; a single empty index if ``counters`` is empty.

        >>> table = Hyperparameters(Hyperparameter("blocks", 2, ""), Hyperparameter("convs", 1, "", per="blocks"))
        >>> list(table.repetitions({"convs_2": 2}, ("blocks", "convs")))
        [(1, 1), (2, 1), (2, 2)]
        """
        if len(index) == len(counters):
            yield index
            return
        for number in range(1, int(self.value_of(params, counters[len(index)], *index)) + 1):
            yield from self.repetitions(params, counters, (*index, number))

    def unmet_condition(self, params: Params, when: Conditions, index: Index) -> str | None:
        """The first condition that does not hold at ``index``, as ``pool_2 is none``; None if all hold."""
        for name, allowed in when:
            value = self.value_of(params, name, *index)
            if value not in allowed:
                return f"{join_key(name, index[: len(self.counters_of(name))])} is {format_value(value)}"
        return None

    def why_absent(self, params: Params, name: str, index: Index) -> str | None:
        """Why ``name`` has no repetition ``index`` or no effect under ``params``; None if it has both.

        The reason is a condition that does not hold or a count that is too low: ``blocks is 3``.
        """
        if (reason := self.unmet_condition(params, self[name].when, index)) is not None:
            return reason
        for depth, counter in enumerate(self.counters_of(name)):
            count = int(self.value_of(params, counter, *index[:depth]))
            if count < (index[depth] if depth < len(index) else 1):
                return f"{join_key(counter, index[:depth])} is {count}"
        return None


def join_key(name: str, index: Index) -> str:
    """The key of one repetition.

    >>> join_key("filters", (2, 1))
    'filters_2_1'
    """
    return "_".join([name, *map(str, index)])


def setting_keys(name: str, index: Index) -> Iterator[str]:
    """The keys that can set one repetition, its own first.

    >>> list(setting_keys("kernel", (1, 2)))
    ['kernel_1_2', 'kernel_1', 'kernel']
    """
    return (join_key(name, index[:end]) for end in range(len(index), -1, -1))


def format_value(value: object) -> str:
    """``value`` as a space file writes it, shortened to fit in a message.

    >>> format_value(True), format_value(0.5)
    ('true', '0.5')
    """
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if len(text) <= _LONGEST and text.isprintable():
        return text
    quoted = repr(text)
    return quoted if len(quoted) <= _LONGEST else quoted[: _LONGEST - 3] + "..."


_LONGEST = 60
"""The most characters of a value that a message shows."""
_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a word"}


def _is_same_kind(default: Scalar, value: object) -> bool:
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if isinstance(default, float):
        return isinstance(value, int | float)
    return isinstance(value, type(default))
