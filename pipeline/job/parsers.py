"""Parsers of settings: each takes the text of a flag or a value of a YAML file, and raises ValueError if it is invalid.

The error says what was expected. The caller adds where the value was found and, with ``received``, the value itself.
"""

import math
import re
from collections.abc import Callable, Collection
from typing import Any

from pipeline.errors import address_without_password, nearest
from pipeline.metrics import METRICS
from pipeline.quantity import SECONDS
from pipeline.study.database import parse_address
from pipeline.study.objective import parse_objectives

PartialParams = dict[str, Any]
"""Params as a user writes them: any of a space's hyperparameters, with lists for those that repeat."""

_TIME_UNIT = "|".join(sorted(SECONDS, key=len, reverse=True))

_MOST_SECONDS = 864e6
"""10,000 days: no study lasts as long, and Python's dates have an end."""

_LONGEST = 40
"""The most characters of an invalid text that an error repeats."""


def describe_received(value: Any) -> str:
    """The end of an error message: the invalid value, or the length of a long text.

    >>> describe_received("x"), describe_received("x" * 5000)
    (", got 'x'", ', got 5,000 characters')
    """
    value = address_without_password(value) if isinstance(value, str) else value
    if isinstance(value, str) and len(value) > _LONGEST:
        return f", got {len(value):,} characters"
    return f", got {value!r}"


def parse_text(value: Any) -> str:
    """A text that is not blank."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("expected a word")
    return value


def parse_storage(value: Any) -> str:
    """The address of a PostgreSQL database, without the password that it may hold: see ``parse_address``."""
    return parse_address(value)


def parse_model_name(value: Any) -> str:
    """A name that MLflow's registry takes.

    >>> parse_model_name("cats/dogs")
    Traceback (most recent call last):
    ValueError: expected a name without / and :
    """
    if not isinstance(value, str) or not value.strip() or re.search("[/:]", value):
        raise ValueError("expected a name without / and :")
    return value


def parse_one_of(names: Collection[str]) -> Callable[[Any], str]:
    """A parser that accepts these names.

    >>> parse_one_of(["asha", "median"])("asah")
    Traceback (most recent call last):
    ValueError: expected one of asha, median, did you mean 'asha'?
    """

    def parse(value: Any) -> str:
        if not isinstance(value, str) or value not in names:
            raise ValueError(f"expected one of {', '.join(names)}{nearest(str(value), names)}")
        return value

    return parse


def parse_whole_number(low: int, high: int = 10**9) -> Callable[[Any], int]:
    """A parser of whole numbers from ``low`` to ``high``, given as numbers or as text.

    >>> parse_whole_number(1)("1_000")
    1000
    """

    def parse(value: Any) -> int:
        digits = str(value).replace("_", "")
        if isinstance(value, bool) or not re.fullmatch(r"\d{1,18}", digits) or int(digits) < low:
            raise ValueError(f"expected a whole number from {low}")
        if int(digits) > high:
            raise ValueError(f"expected a whole number from {low} to {high}")
        return int(digits)

    return parse


AUTO, ALL, NONE = "auto", "all", "none"
"""Words for a number that the machine decides, and for GPUs or models."""


def parse_count(low: int, high: int) -> Callable[[Any], int]:
    """A parser of whole numbers, and of ``auto``, which is 0: a later one replaces the number that a study has kept.

    >>> parse_count(1, 8)("auto"), parse_count(1, 8)(3)
    (0, 3)
    """
    number = parse_whole_number(low, high)

    def parse(value: Any) -> int:
        try:
            return 0 if value == AUTO else number(value)
        except ValueError as error:
            raise ValueError(f"{error}, or {AUTO}") from None

    return parse


def parse_gpus(value: Any) -> tuple[str, ...]:
    """GPUs as ``nvidia-smi`` numbers them; () for ``all``.

    >>> parse_gpus("0,1"), parse_gpus([3]), parse_gpus("none"), parse_gpus("all")
    (('0', '1'), ('3',), ('none',), ())
    """
    expected = f"expected {ALL}, {NONE} or GPUs as nvidia-smi numbers them, such as 0,1"
    items = value if isinstance(value, list) else str(value).split(",")
    names = tuple(str(item).strip() for item in items)
    if not all(re.fullmatch(r"\d{1,4}|(GPU|MIG)-[\w-]+", name) for name in names) or not names:
        if names in ((ALL,), (NONE,)):
            return () if names == (ALL,) else names
        raise ValueError(expected)
    if len(set(names)) < len(names):
        raise ValueError(f"{expected}, each once")
    return names


def parse_number_or_all(value: Any) -> int | str:
    """A whole number from 1, or the text ``all``.

    >>> parse_number_or_all("3"), parse_number_or_all("all")
    (3, 'all')
    """
    try:
        return ALL if value == ALL else parse_whole_number(1)(value)
    except ValueError as error:
        raise ValueError(f"{error}, or {ALL}") from None


def parse_score(value: Any) -> float:
    """A finite number; whether the metric has such a score is for the job to say.

    >>> parse_score("0.95"), parse_score(1)
    (0.95, 1.0)
    """
    try:
        score = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        score = math.nan
    if not math.isfinite(score):
        raise ValueError("expected a score such as 0.95")
    return score


def parse_seconds(value: Any) -> float:
    """A time above 0: a number of seconds, or text with the units d, h, m (or min) and s.

    >>> parse_seconds("1h30m"), parse_seconds("10 min"), parse_seconds(1.5)
    (5400.0, 600.0, 1.5)
    """
    parts = re.findall(rf"(\d+(?:\.\d+)?)\s*({_TIME_UNIT}|)", str(value))
    valid = re.fullmatch(rf"\s*(\d+(?:\.\d+)?\s*({_TIME_UNIT})\s*)*(\d+(?:\.\d+)?)?\s*", str(value))
    total = sum(float(number) * (SECONDS[unit] if unit else 1) for number, unit in parts)
    if valid is None or isinstance(value, bool) or not 0 < total < math.inf:
        raise ValueError("expected a time above 0 such as 10m, 600s or 1h30m")
    if total > _MOST_SECONDS:
        raise ValueError("expected a time of at most 10,000 days")
    return total


def parse_size(value: Any) -> tuple[int, int]:
    """The (height, width) of an image in pixels, 1 to 4096 per side; one number stands for both.

    >>> parse_size("64x48"), parse_size(28)
    ((64, 48), (28, 28))
    """
    match = re.fullmatch(r"(\d+)(?:x(\d+))?", str(value))
    if match is None or isinstance(value, bool):
        raise ValueError("expected a size in pixels such as 64 or 64x48 (height x width)")
    height, width = int(match[1]), int(match[2] or match[1])
    if not (1 <= height <= 4096 and 1 <= width <= 4096):
        raise ValueError("expected 1 to 4096 pixels per side")
    return height, width


def parse_objective_names(value: Any) -> tuple[str, ...]:
    """Objectives, as ``parse_objectives`` reads them. The error for a metric's name says where to choose the metric.

    >>> parse_objective_names("macs,score")
    ('score', 'macs')
    """
    try:
        return parse_objectives(value)
    except ValueError:
        words = re.findall(r"\w+", str(value))
        if "value" in words:
            raise ValueError("'value' is called 'score' now") from None
        metric = next((word for word in words if word in METRICS), None)
        if metric is None:
            raise
        raise ValueError(
            f"{metric!r} is called 'score' here, whatever the metric; "
            f"choose the metric with --metric {metric} (in a job file, metric: {metric})"
        ) from None


def parse_attempt(value: Any) -> PartialParams | str:
    """Params to try: ``a=1,b=2`` or a mapping; a word is the name of a start point, and so is a whole number.

    >>> parse_attempt("blocks=2,pool=max"), parse_attempt("resnet18"), parse_attempt(1)
    ({'blocks': 2, 'pool': 'max'}, 'resnet18', '1')
    """
    if isinstance(value, int) and not isinstance(value, bool):  # the first start point of a list is called 1
        return str(value)
    if isinstance(value, str) and value.strip() and "=" not in value:
        return value.strip()
    return parse_assignments(value)


def parse_assignments(value: Any) -> PartialParams:
    """A mapping, or the text of one, whose values are read as YAML.

    >>> parse_assignments("a=1,b=[2,[3,x]]")
    {'a': 1, 'b': [2, [3, 'x']]}
    """
    if not isinstance(value, str):
        return _mapping(value)
    params: PartialParams = {}
    for part in _split(value):
        name, equals, content = (piece.strip() for piece in part.partition("="))
        if not equals or not name or not content:
            raise ValueError("expected name=value[,name=value...], lists as name=[value,value]")
        if name in params:
            raise ValueError(f"{name} is given twice: expected each name once")
        params[name] = _read(content)
    return params


def parse_limits(value: Any) -> PartialParams:
    """Like ``parse_assignments``, for names and numbers as tables print them: ``MACs``, ``latency``, ``5,000,000``.

    >>> parse_limits("parameters=5,000,000,memory=2GB,MACs=1 M")
    {'parameters': 5000000, 'memory': '2GB', 'macs': '1 M'}
    """
    from pipeline.space.limits import find_cost  # imported late: spaces would slow down --help

    joined = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", value) if isinstance(value, str) else value
    return {find_cost(name) or name: limit for name, limit in parse_assignments(joined).items()}


def _mapping(value: Any) -> PartialParams:
    if not isinstance(value, dict) or not value:
        raise ValueError("expected a mapping of names to values")
    return dict(value)


def _split(text: str) -> list[str]:
    """The parts of ``text`` between the commas outside brackets."""
    parts, depth = [""], 0
    for character in text:
        depth += (character == "[") - (character == "]")
        if character == "," and depth <= 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _read(text: str) -> Any:
    from pipeline.yaml_file import parse_scalar  # imported late: yaml would slow down --help

    items = re.fullmatch(r"\[(.*)\]", text)
    return [_read(item.strip()) for item in _split(items[1])] if items else parse_scalar(text)
