"""What a study is asked to do: the keys of a job file, which are also the flags of ``convtune tune``."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from pipeline.errors import JobError, nearest
from pipeline.hyperparameter import Scalar
from pipeline.objective import ACCURACY
from pipeline.objective import parse as objectives

SEARCHES = ("grid", "random", "bayesian")
PRUNERS = ("asha", "median", "hyperband", "none")
PRECISIONS = ("auto", "float32", "mixed_bfloat16", "mixed_float16")
EXECUTORS = ("local", "inline")

Point = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """One study as asked for.

    ``trials`` is the total the study is to reach (None: 20, or all of a grid); ``time`` bounds one run of the command
    in seconds (None: no bound); ``attempts`` are hand-picked points or names of start points, tried first; ``fixed``
    turns parameters of the space into constants; ``limits`` replace limits of the space; ``image_size`` is
    (height, width) (None: the median of the images, at most 256 a side). ``objective`` are names of
    ``pipeline.objective``, accuracy first.
    """

    data: str
    space: str = "quick"
    search: str = "bayesian"
    trials: int | None = None
    time: float | None = None
    epochs: int = 10
    workers: int = 1
    pruner: str = "asha"
    study: str = ""
    seed: int = 0
    attempts: tuple[Point | str, ...] = ()
    fixed: tuple[tuple[str, Scalar], ...] = ()
    limits: tuple[tuple[str, Scalar], ...] = ()
    image_size: tuple[int, int] | None = None
    precision: str = "auto"
    executor: str = "local"
    objective: tuple[str, ...] = (ACCURACY,)

    @property
    def total(self) -> float:
        """How many trials the study shall have in the end."""
        if self.trials is None:
            return math.inf if self.search == "grid" else 20
        return self.trials

    def as_file(self) -> dict[str, Any]:
        """The job under its file keys, plain values only, without what has no value."""
        plain = asdict(self)
        plain["try"], plain["set"] = list(plain.pop("attempts")), dict(plain.pop("fixed"))
        plain["limit"] = dict(plain.pop("limits"))
        plain["objective"] = ",".join(self.objective)
        if self.image_size is not None:
            plain["image_size"] = "{}x{}".format(*self.image_size)
        if self.time is not None:
            plain["time"] = f"{self.time:g}s"
        return {key: value for key, value in plain.items() if value not in (None, "", [], {})}


_FIELDS = {"try": "attempts", "set": "fixed", "limit": "limits"}
KEYS = tuple({field: key for key, field in _FIELDS.items()}.get(field.name, field.name) for field in fields(Job))


def job(file: Mapping[str, Any], flags: Mapping[str, Any], where: str = "") -> Job:
    """The job that a file's keys and flags ask for; a flag that is given wins.

    Raises JobError that names the flag, or ``where`` and the key.
    """
    read = {key: _parse(key, value, where) for key, value in file.items() if value is not None}
    read |= {key: _parse(key, value, "") for key, value in flags.items() if value not in (None, "", [])}
    if "data" not in read:
        raise JobError("--data is missing; give a folder of images, an .npz file or a name from `convtune datasets`")
    asked = replace(Job(read["data"]), **{_FIELDS.get(key, key): value for key, value in read.items()})
    if asked.executor == "inline" and asked.workers > 1:
        raise JobError(f"--workers: expected 1 with --executor inline, got {asked.workers}; use --executor local")
    return asked


def _parse(key: str, value: Any, where: str) -> Any:
    place = f"{where}: {key}" if where else f"--{key.replace('_', '-')}"
    if key not in _PARSERS:
        raise JobError(f"{where}: unknown key {key!r}{nearest(str(key), KEYS)}; keys are {', '.join(KEYS)}")
    try:
        return _PARSERS[key](value)
    except ValueError as error:
        raise JobError(f"{place}: {error}, got {value!r}") from None


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("expected a word")
    return value


def _one_of(options: tuple[str, ...]) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        if value not in options:
            raise ValueError(f"expected one of {', '.join(options)}{nearest(str(value), options)}")
        return str(value)

    return parse


def whole(low: int, high: int = 10**9) -> Callable[[Any], int]:
    """A parser of whole numbers from ``low`` to ``high``, given as such or as text; ValueError for anything else."""

    def parse(value: Any) -> int:
        text = str(value).replace("_", "")
        if isinstance(value, bool) or not re.fullmatch(r"\d{1,18}", text) or int(text) < low:
            raise ValueError(f"expected a whole number from {low}")
        if int(text) > high:
            raise ValueError(f"expected a whole number from {low} to {high}")
        return int(text)

    return parse


_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(value: Any) -> float:
    """``10m``, ``600s``, ``1h30m`` or a number of seconds; ValueError unless it is more than 0."""
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*([smhd]?)", str(value))
    whole = re.fullmatch(r"\s*(\d+(?:\.\d+)?\s*[smhd]\s*)*(\d+(?:\.\d+)?)?\s*", str(value))
    total = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if whole is None or isinstance(value, bool) or not 0 < total < math.inf:
        raise ValueError("expected a time above 0 such as 10m, 600s or 1h30m")
    return total


def _size(value: Any) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)(?:x(\d+))?", str(value))
    if match is None or isinstance(value, bool):
        raise ValueError("expected a size in pixels such as 64 or 64x48 (height x width)")
    height, width = int(match[1]), int(match[2] or match[1])
    if not (1 <= height <= 4096 and 1 <= width <= 4096):
        raise ValueError("expected 1 to 4096 pixels a side")
    return height, width


def _attempts(value: Any) -> tuple[Point | str, ...]:
    points = value if isinstance(value, list) else [value]
    return tuple(_attempt(point) for point in points)


def _attempt(value: Any) -> Point | str:
    numbered = isinstance(value, int) and not isinstance(value, bool)  # the first point of a list is 1
    return attempt(str(value)) if numbered or isinstance(value, str) else _point(value)


def attempt(text: str) -> Point | str:
    """A hand-picked point: ``a=1,b=2`` as a mapping, a word as the name of a start point; ValueError for others."""
    return assignments(text) if "=" in text or not text.strip() else text.strip()


def _point(value: Any) -> Point:
    if not isinstance(value, dict) or not value:
        raise ValueError("expected a mapping of parameters to values")
    return dict(value)


def _fixed(value: Any) -> tuple[tuple[str, Scalar], ...]:
    parts = value if isinstance(value, list) else [value]
    merged: Point = {}
    for part in parts:
        merged |= assignments(part) if isinstance(part, str) else _point(part)
    return tuple(sorted(merged.items()))


def assignments(text: str) -> Point:
    """``a=1,b=[2, [3, 4]]`` as a mapping, values read as YAML reads them; ValueError when a part is no assignment."""
    point: Point = {}
    for part in _parts(text):
        name, equals, value = part.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise ValueError("expected name=value[,name=value...], lists as name=[value,value]")
        if name.strip() in point:
            raise ValueError(f"{name.strip()} is given twice: expected each name once")
        point[name.strip()] = _value(value.strip())
    return point


def _parts(text: str) -> list[str]:
    """What stands between the commas that are in no brackets."""
    parts, depth = [""], 0
    for sign in text:
        depth += (sign == "[") - (sign == "]")
        if sign == "," and depth <= 0:
            parts.append("")
        else:
            parts[-1] += sign
    return parts


def _value(text: str) -> Any:
    from pipeline.yaml_file import scalar

    items = re.fullmatch(r"\[(.*)\]", text)
    return [_value(item.strip()) for item in _parts(items[1])] if items else scalar(text)


_PARSERS: Mapping[str, Callable[[Any], Any]] = {
    "data": _text,
    "space": _text,
    "search": _one_of(SEARCHES),
    "trials": whole(1),
    "time": seconds,
    "epochs": whole(1),
    "workers": whole(1, 256),
    "pruner": _one_of(PRUNERS),
    "study": _text,
    "seed": whole(0, 2**32 - 1),
    "try": _attempts,
    "set": _fixed,
    "limit": _fixed,
    "image_size": _size,
    "precision": _one_of(PRECISIONS),
    "executor": _one_of(EXECUTORS),
    "objective": objectives,
}
