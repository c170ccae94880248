"""JSON schemas of space and job files, made from the tables; ``python -m pipeline.space.schema`` writes them again."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pipeline.architecture import FAMILIES
from pipeline.hyperparameter import Hyperparameter
from pipeline.job import EXECUTORS, PRECISIONS, PRUNERS, SEARCHES
from pipeline.objective import OBJECTIVES
from pipeline.space.limits import COSTS
from pipeline.space.load import KEYS
from pipeline.space.names import Known, counters, hyperparameters

Schema = dict[str, Any]

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_REPETITION = "_[1-9][0-9]{0,5}"
_TIME = r"^\s*([0-9]+(\.[0-9]+)?\s*[smhd]?\s*)+$"
_OBJECTIVE = r"\s*(" + "|".join([*OBJECTIVES, "value"]) + r")\s*"
_POINT = {"$ref": "#/$defs/point"}
_WIDTH = 100
_WHOLE = {"type": "integer", "minimum": 1}


def schemas() -> dict[str, Schema]:
    """The schema of each kind of file, by the name of the file that holds it."""
    return {"space.schema.json": space_schema(), "job.schema.json": job_schema()}


def space_schema() -> Schema:
    """What a space file may hold; the keys of ``parameters`` depend on ``family``."""
    known, names = hyperparameters(FAMILIES), {"enum": list(FAMILIES)}
    choice = _closed({"choice": {"type": "array", "items": names, "minItems": 1, "uniqueItems": True}})
    properties: dict[str, Schema] = {
        "family": {"anyOf": [names, {**choice, "required": ["choice"]}]},
        "parameters": {"type": "object"},
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
            "conditions": _conditions(known),
            **{f"parameter_{name}": _parameter(known, name) for name in known if name != "family"},
            **_points(known),
        },
    }


def job_schema() -> Schema:
    """What a job file may hold: the long flags of ``convtune tune``."""
    keys: dict[str, tuple[str, Schema]] = {
        "data": ("a folder of images, an .npz file or the name of a dataset", {"type": "string"}),
        "space": ("the name of a space or the path of a space file", {"type": "string"}),
        "search": ("how values are proposed", {"enum": list(SEARCHES)}),
        "trials": ("trials that the study shall have in the end", _WHOLE),
        "time": ("at most this long, such as 10m, 600s or 1h30m, or a number of seconds", _time()),
        "epochs": ("epochs of a trial that is not stopped early", _WHOLE),
        "workers": ("worker processes that train side by side", _WHOLE),
        "pruner": ("stops poor trials early", {"enum": list(PRUNERS)}),
        "study": ("the name of the study; an existing one goes on", {"type": "string"}),
        "seed": ("seed of splits, search and training", {"type": "integer", "minimum": 0}),
        "try": (
            "hand-picked points or names of the space's start points, tried first",
            {"type": "array", "items": {"anyOf": [_POINT, {"type": ["string", "integer"]}]}},
        ),
        "set": ("parameters held at a value", _POINT),
        "limit": (
            "limits that replace those of the space, none lifts one",
            _closed({name: {"anyOf": [_limit(name), {"const": "none"}]} for name in COSTS}),
        ),
        "image_size": ("pixels, as height x width or one number for both", _size()),
        "precision": ("of the arithmetic; auto: mixed where the card has it", {"enum": list(PRECISIONS)}),
        "executor": ("where trials run: in worker processes or in this one", {"enum": list(EXECUTORS)}),
        "objective": ("accuracy, and costs to keep low beside it", _objective()),
    }
    properties = {key: {"description": text, **schema} for key, (text, schema) in keys.items()}
    definitions = _points(hyperparameters(FAMILIES))
    return {"$schema": _DRAFT, "title": "convtune job", **_closed(properties), "$defs": definitions}


def _branch(families: Iterable[str], family: Schema) -> Schema:
    """What a space of these families may hold, where the key ``family`` is such a one."""
    known = hyperparameters(families)
    parameters = {name: {"$ref": f"#/$defs/parameter_{name}"} for name in known if name != "family"}
    return {
        "if": {"properties": {"family": family}, "required": ["family"]},
        "then": {"properties": {"parameters": {**_closed(parameters), "patternProperties": _repetitions(known)}}},
    }


def _parameter(known: Known, name: str) -> Schema:
    """A constant, or a mapping with one of the forms."""
    one = known[name]
    number = {int: "int", float: "float"}.get(type(one.default))
    items = {"type": "array", "items": _value(name)}
    forms = [_form(known, name, "choice", {**items, "minItems": 1, "uniqueItems": True})]
    if number is not None:
        forms.append(_form(known, name, number, {**items, "minItems": 2, "maxItems": 2}))
    return {"description": _described(one), "anyOf": [{"$ref": f"#/$defs/constant_{name}"}, *forms]}


def _form(known: Known, name: str, form: str, content: Schema) -> Schema:
    properties: dict[str, Schema] = {form: content, "when": {"$ref": "#/$defs/conditions"}}
    if per := counters(known, known[name].per):
        properties["per"] = {"enum": list(per), "description": "a value of its own for each of these"}
    if form != "choice":
        kind = {"type": "integer", "minimum": 1} if form == "int" else {"type": "number", "exclusiveMinimum": 0}
        properties["step"] = {**kind, "description": "distance between values"}
        properties["log"] = {"type": "boolean", "description": "drawn evenly in the logarithm"}
    return {**_closed(properties), "required": [form]}


def _point(known: Known) -> Schema:
    """Values by parameter; ``filters_2`` sets one repetition, a list all of them."""
    properties = {name: {"$ref": f"#/$defs/constant_{name}"} for name in known}
    return {**_closed(properties), "patternProperties": _repetitions(known)}


def _repetitions(known: Known) -> dict[str, Schema]:
    """Values by the pattern of the names of a parameter's repetitions."""
    return {
        f"^{name}({_REPETITION}){{1,{len(counters(known, one.per))}}}$": _value(name)
        for name, one in known.items()
        if one.per is not None
    }


def _conditions(known: Known) -> Schema:
    properties = {
        name: {"anyOf": [_value(name), {"type": "array", "items": _value(name), "minItems": 1}]} for name in known
    }
    return {"description": "active where each of these has one of the values", **_closed(properties)}


def _constant(known: Known, name: str) -> Schema:
    """One value for all repetitions, or lists as deep as the repetitions are nested."""
    found = [_value(name)]
    for _ in counters(known, known[name].per):
        found.append({"type": "array", "items": {"anyOf": found[:]}, "minItems": 1})
    return {"description": _described(known[name]), "anyOf": found}


def _points(known: Known) -> dict[str, Schema]:
    """Definitions of a point and of the values in it."""
    constants = {f"constant_{name}": _constant(known, name) for name in known}
    return {"point": _point(known), **constants, **{f"value_{name}": _legal(one) for name, one in known.items()}}


def _value(name: str) -> Schema:
    return {"$ref": f"#/$defs/value_{name}"}


def _legal(one: Hyperparameter) -> Schema:
    if one.options:
        return {"enum": list(one.options)}
    kind = {bool: "boolean", int: "integer", float: "number", str: "string"}[type(one.default)]
    bounds = {"minimum": one.low, "maximum": one.high}
    return {"type": kind, **{key: bound for key, bound in bounds.items() if bound is not None}}


def _described(one: Hyperparameter) -> str:
    default = str(one.default).lower() if isinstance(one.default, bool) else str(one.default)
    return f"{one.help} (default {default})"


def _limit(name: str) -> Schema:
    """Editors read 5_000_000 as YAML 1.2 does, as a string."""
    cost = COSTS[name]
    number: Schema = _WHOLE if cost.whole else {"type": "number", "exclusiveMinimum": 0}
    unit = rf"\s*({'|'.join(cost.units)})" if len(cost.units) > 1 else ""
    text = {"type": "string", "pattern": rf"^(?=.*[1-9])[0-9_]+(\.[0-9]+)?{unit}$"}
    return {"description": cost.help, "anyOf": [number, text]}


def _time() -> Schema:
    return {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string", "pattern": _TIME}]}


def _size() -> Schema:
    return {"anyOf": [{**_WHOLE, "maximum": 4096}, {"type": "string", "pattern": "^[0-9]{1,4}(x[0-9]{1,4})?$"}]}


def _objective() -> Schema:
    names = {"type": "array", "items": {"enum": [*OBJECTIVES, "value"]}, "minItems": 1, "uniqueItems": True}
    return {"anyOf": [{"type": "string", "pattern": f"^({_OBJECTIVE})(,({_OBJECTIVE}))*$"}, names]}


def _closed(properties: Mapping[str, Schema]) -> Schema:
    return {"type": "object", "properties": dict(properties), "additionalProperties": False}


def as_text(content: Any, indent: int = 0) -> str:
    """JSON with everything that fits on one line, keys and indentation included, on one line."""
    flat = json.dumps(content)
    if not isinstance(content, dict | list) or len(flat) + indent <= _WIDTH:
        return flat
    keys = [f"{json.dumps(key)}: " for key in content] if isinstance(content, dict) else [""] * len(content)
    values = content.values() if isinstance(content, dict) else content
    parts = [f"{' ' * (indent + 1)}{key}{as_text(one, indent + 1)}" for key, one in zip(keys, values, strict=True)]
    return flat[0] + "\n" + ",\n".join(parts) + f"\n{' ' * indent}{flat[-1]}"


def write(folder: Path) -> None:
    """Write each schema into ``folder``."""
    for name, schema in schemas().items():
        (folder / name).write_text(as_text(schema) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(Path(__file__).parents[2] / "search_spaces")
