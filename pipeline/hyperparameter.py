"""What families and the recipe understand: one record a hyperparameter, checked before any value is used."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

Scalar = bool | int | float | str
Values = Mapping[str, Scalar]
Conditions = tuple[tuple[str, tuple[Scalar, ...]], ...]
"""Names with the values they may have; all of them must hold."""


@dataclass(frozen=True)
class Hyperparameter:
    """A named quantity with its default, its legal values and one line of help.

    ``options`` lists the legal values of a categorical one; ``low`` and ``high`` bound a number (both inclusive,
    None: unbounded). ``per`` names the hyperparameter that counts its repetitions: ``filters`` with
    ``per="blocks"`` may be given as ``filters_1 .. filters_n``, or once, as ``filters``, for all of them.
    The type of ``default`` is the type of every value (an int is a legal float). ``when`` says where it has an effect
    at all: ``filters`` only where ``family`` is ``plain``.
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
        """Why ``value`` is not legal here, or None when it is."""
        if not _same_kind(self.default, value):
            return f"expected {_kind(self.default)}, got {value!r}"
        if self.options and value not in self.options:
            return f"{value!r} is not one of {', '.join(map(str, self.options))}"
        if isinstance(value, int | float) and not isinstance(value, bool):
            if self.low is not None and not value >= self.low:
                return f"{value} is below {self.low:g}"
            if self.high is not None and not value <= self.high:
                return f"{value} is above {self.high:g}"
        return None


def table(*hyperparameters: Hyperparameter) -> Mapping[str, Hyperparameter]:
    """The hyperparameters by name, in the given order, read-only."""
    return MappingProxyType({one.name: one for one in hyperparameters})


def read(known: Mapping[str, Hyperparameter], values: Values, name: str, *index: int) -> Scalar:
    """The value of ``name`` at ``index`` (1-based): its own (``filters_2``), else the shared one, else the default."""
    for key in _keys(name, index):
        if key in values:
            return values[key]
    return known[name].default


def _keys(name: str, index: tuple[int, ...]) -> Iterable[str]:
    for end in range(len(index), -1, -1):
        yield "_".join([name, *map(str, index[:end])])


def _kind(default: Scalar) -> str:
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "a word"}
    return names[type(default)]


def _same_kind(default: Scalar, value: object) -> bool:
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if isinstance(default, float):
        return isinstance(value, int | float)
    return isinstance(value, type(default))
