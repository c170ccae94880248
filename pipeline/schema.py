"""JSON schemas of space and job files, made from the tables; ``python -m pipeline.schema`` writes the files."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pipeline.architecture import FAMILIES
from pipeline.hyperparameter import Hyperparameter, Hyperparameters, format_value
from pipeline.job import SETTINGS
from pipeline.job.setting import EMPTY, Setting
from pipeline.space.hyperparameters import hyperparameters_of
from pipeline.space.limits import COSTS
from pipeline.space.parse import KEYS

Schema = dict[str, Any]

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_REPETITION = "_[1-9][0-9]{0,5}"
"""The number of one repetition at the end of a key, as ``Hyperparameters.split_key`` reads it."""
_POINT = {"$ref": "#/$defs/point"}
_LINE_LENGTH = 100
"""Characters of a line of the files."""
_WHOLE = {"type": "integer", "minimum": 1}


def schemas() -> dict[str, Schema]:
    """The schema of each kind of file, by the name of the file that it is written to."""
    return {"space.schema.json": space_schema(), "job.schema.json": job_schema()}


def space_schema() -> Schema:
    """The schema of space files; the keys of ``hyperparameters`` depend on ``family``."""
    table, names = hyperparameters_of(FAMILIES), {"enum": list(FAMILIES)}
    choice = _closed({"choice": {"type": "array", "items": names, "minItems": 1, "uniqueItems": True}})
    properties: dict[str, Schema] = {
        "family": {"anyOf": [names, {**choice, "required": ["choice"]}]},
        "hyperparameters": {"type": "object"},
        "start_from": {"type": ["array", "object"], "items": _POINT, "additionalProperties": _POINT},
        "limits": _closed({name: _limit(name) for name in COSTS}),
    }
    for key, text in KEYS.items():
        properties[key]["description"] = text
    return {
        "$schema": _DRAFT,
        "title": "convtune search space",
        **_closed(properties),
        "required": ["family"],
        "allOf": [_branch([family], {"const": family}) for family in FAMILIES]
        + [_branch(FAMILIES, {"type": "object"})],
        "$defs": {
            "conditions": _conditions(table),
            **{f"hyperparameter_{name}": _entry(table, name) for name in table if name != "family"},
            **_points(table),
        },
    }


def job_schema() -> Schema:
    """The schema of job files, whose keys are the settings of ``convtune tune``."""
    properties = {key: _setting(setting) for key, setting in SETTINGS.items()}
    limits = _closed({name: {"anyOf": [_limit(name), {"const": "none"}]} for name in COSTS})
    definitions = {"limits": limits, **_points(hyperparameters_of(FAMILIES))}
    return {"$schema": _DRAFT, "title": "convtune job", **_closed(properties), "$defs": definitions}


def _setting(setting: Setting) -> Schema:
    """The schema of a key of a job file; editors show its description and fill in its default."""
    default = {} if setting.default in EMPTY else {"default": setting.dump(setting.default)}
    return {"description": setting.help, **default, **setting.json_schema}


def _branch(families: Iterable[str], family: Schema) -> Schema:
    """The hyperparameters of a space whose key ``family`` fits the schema ``family``: those of ``families``."""
    table = hyperparameters_of(families)
    entries = {name: {"$ref": f"#/$defs/hyperparameter_{name}"} for name in table if name != "family"}
    return {
        "if": {"properties": {"family": family}, "required": ["family"]},
        "then": {"properties": {"hyperparameters": {**_closed(entries), "patternProperties": _repetitions(table)}}},
    }


def _entry(table: Hyperparameters, name: str) -> Schema:
    """A constant, or a mapping with one of the forms."""
    number = {int: "int", float: "float"}.get(type(table[name].default))
    items = {"type": "array", "items": _value(name)}
    forms = [_form(table, name, "choice", {**items, "minItems": 1, "uniqueItems": True})]
    if number is not None:
        forms.append(_form(table, name, number, {**items, "minItems": 2, "maxItems": 2}))
    return {"description": _description(table[name]), "anyOf": [{"$ref": f"#/$defs/constant_{name}"}, *forms]}


def _form(table: Hyperparameters, name: str, form: str, content: Schema) -> Schema:
    properties: dict[str, Schema] = {form: content, "when": {"$ref": "#/$defs/conditions"}}
    if counters := table.counters_of(name):
        properties["per"] = {"enum": list(counters), "description": "a value of its own for each of these"}
    if form != "choice":
        kind = {"type": "integer", "minimum": 1} if form == "int" else {"type": "number", "exclusiveMinimum": 0}
        properties["step"] = {**kind, "description": "distance between values"}
        properties["log"] = {"type": "boolean", "description": "drawn evenly in the logarithm"}
    return {**_closed(properties), "required": [form]}


def _point(table: Hyperparameters) -> Schema:
    """Values by hyperparameter; ``filters_2`` sets one repetition, a list all of them."""
    properties = {name: {"$ref": f"#/$defs/constant_{name}"} for name in table}
    return {**_closed(properties), "patternProperties": _repetitions(table)}


def _repetitions(table: Hyperparameters) -> dict[str, Schema]:
    """Values by the pattern of the keys of a hyperparameter's repetitions."""
    depths = {name: len(table.counters_of(name)) for name in table}
    return {f"^{name}({_REPETITION}){{1,{depth}}}$": _value(name) for name, depth in depths.items() if depth}


def _conditions(table: Hyperparameters) -> Schema:
    properties = {
        name: {"anyOf": [_value(name), {"type": "array", "items": _value(name), "minItems": 1}]} for name in table
    }
    return {"description": "active where each of these has one of the values", **_closed(properties)}


def _constant(table: Hyperparameters, name: str) -> Schema:
    """One value for all repetitions, or lists as deep as the repetitions are nested."""
    forms = [_value(name)]
    for _ in table.counters_of(name):
        forms.append({"type": "array", "items": {"anyOf": forms[:]}, "minItems": 1})
    return {"description": _description(table[name]), "anyOf": forms}


def _points(table: Hyperparameters) -> dict[str, Schema]:
    """Definitions of a point and of the values in it."""
    constants = {f"constant_{name}": _constant(table, name) for name in table}
    values = {f"value_{name}": _legal(hyperparameter) for name, hyperparameter in table.items()}
    return {"point": _point(table), **constants, **values}


def _value(name: str) -> Schema:
    return {"$ref": f"#/$defs/value_{name}"}


def _legal(hyperparameter: Hyperparameter) -> Schema:
    if hyperparameter.options:
        return {"enum": list(hyperparameter.options)}
    kind = {bool: "boolean", int: "integer", float: "number", str: "string"}[type(hyperparameter.default)]
    bounds = {"minimum": hyperparameter.low, "maximum": hyperparameter.high}
    return {"type": kind, **{key: bound for key, bound in bounds.items() if bound is not None}}


def _description(hyperparameter: Hyperparameter) -> str:
    return f"{hyperparameter.help} (default {format_value(hyperparameter.default)})"


def _limit(name: str) -> Schema:
    """A number, or its text: editors read 5_000_000 as YAML 1.2 does, as a string."""
    cost = COSTS[name]
    number: Schema = _WHOLE if cost.whole else {"type": "number", "exclusiveMinimum": 0}
    unit = rf"\s*({'|'.join(cost.units)})?"
    text = {"type": "string", "pattern": rf"^(?=.*[1-9])[0-9][0-9_,]*(\.[0-9]+)?{unit}$"}
    return {"description": cost.help, "anyOf": [number, text]}


def _closed(properties: Mapping[str, Schema]) -> Schema:
    return {"type": "object", "properties": dict(properties), "additionalProperties": False}


def as_text(content: Any, indent: int = 0) -> str:
    """JSON in which every part that fits on a line of 100 characters, with key and indentation, is on one line."""
    flat = json.dumps(content)
    if not isinstance(content, dict | list) or len(flat) + indent <= _LINE_LENGTH:
        return flat
    keys = [f"{json.dumps(key)}: " for key in content] if isinstance(content, dict) else [""] * len(content)
    values = content.values() if isinstance(content, dict) else content
    pairs = zip(keys, values, strict=True)
    parts = [f"{' ' * (indent + 1)}{key}{as_text(value, indent + 1)}" for key, value in pairs]
    return flat[0] + "\n" + ",\n".join(parts) + f"\n{' ' * indent}{flat[-1]}"


def write(folder: Path) -> None:
    """Writes each schema into ``folder``."""
    for name, schema in schemas().items():
        (folder / name).write_text(as_text(schema) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(Path(__file__).parents[1] / "search_spaces")
