"""JSON schemas of space and job files, made from the tables; ``python -m pipeline.space.schema`` writes them again."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.architecture import FAMILIES
from pipeline.hyperparameter import Hyperparameter
from pipeline.job import EXECUTORS, PRECISIONS, PRUNERS, SEARCHES
from pipeline.recipe import HYPERPARAMETERS
from pipeline.space.load import KEYS, LIMITS
from pipeline.space.names import Known, counters, hyperparameters

Schema = dict[str, Any]

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_REPETITION = "_[1-9][0-9]{0,5}"
_TIME = r"^\s*([0-9]+(\.[0-9]+)?\s*[smhd]?\s*)+$"
_WIDTH = 100
_WHOLE = {"type": "integer", "minimum": 1}


def schemas() -> dict[str, Schema]:
    """The schema of each kind of file, by the name of the file that holds it."""
    return {"space.schema.json": space_schema(), "job.schema.json": job_schema()}


def space_schema() -> Schema:
    """What a space file may hold; the keys of ``parameters`` and ``start_from`` depend on ``family``."""
    properties: dict[str, Schema] = {
        "family": {"enum": list(FAMILIES)},
        "parameters": {"type": "object"},
        "start_from": {"type": "array", "items": {"type": "object"}},
        "limits": _closed({name: _limit(help) for name, help in LIMITS.items()}),
    }
    for key, text in KEYS.items():
        properties[key]["description"] = text
    return {
        "$schema": _DRAFT,
        "title": "convtune search space",
        **_closed(properties),
        "required": ["family"],
        "allOf": [_branch(family) for family in FAMILIES],
        "$defs": {"conditions": _conditions(_every())},
    }


def job_schema() -> Schema:
    """What a job file may hold: the long flags of ``convtune tune``."""
    point = _point(_every())
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
        "try": ("hand-picked points, tried first", {"type": "array", "items": point}),
        "set": ("parameters held at a value", point),
        "image_size": ("pixels, as height x width or one number for both", _size()),
        "precision": ("of the arithmetic; auto: mixed where the card has it", {"enum": list(PRECISIONS)}),
        "executor": ("where trials run: in worker processes or in this one", {"enum": list(EXECUTORS)}),
    }
    properties = {key: {"description": text, **schema} for key, (text, schema) in keys.items()}
    return {"$schema": _DRAFT, "title": "convtune job", **_closed(properties)}


def _branch(family: str) -> Schema:
    known = hyperparameters(family)
    parameters = _closed({name: _parameter(known, name) for name in known})
    points = {"type": "array", "items": _point(known)}
    return {
        "if": {"properties": {"family": {"const": family}}, "required": ["family"]},
        "then": {"properties": {"parameters": parameters, "start_from": points}},
    }


def _parameter(known: Known, name: str) -> Schema:
    """A constant, or a mapping with one of the forms."""
    one = known[name]
    number = {int: "int", float: "float"}.get(type(one.default))
    forms = [_form(one, "choice", {"type": "array", "items": _value(one), "minItems": 1, "uniqueItems": True})]
    if number is not None:
        forms.append(_form(one, number, {"type": "array", "items": _value(one), "minItems": 2, "maxItems": 2}))
    return {"description": _described(one), "anyOf": [*_constants(known, name), *forms]}


def _form(one: Hyperparameter, form: str, content: Schema) -> Schema:
    properties: dict[str, Schema] = {form: content, "when": {"$ref": "#/$defs/conditions"}}
    if one.per is not None:
        properties["per"] = {"const": one.per, "description": f"a value of its own for each of {one.per}"}
    if form != "choice":
        kind = {"type": "integer", "minimum": 1} if form == "int" else {"type": "number", "exclusiveMinimum": 0}
        properties["step"] = {**kind, "description": "distance between values"}
        properties["log"] = {"type": "boolean", "description": "drawn evenly in the logarithm"}
    return {**_closed(properties), "required": [form]}


def _point(known: Known) -> Schema:
    """Values by parameter; ``filters_2`` sets one repetition, a list all of them."""
    properties = {
        name: {"description": _described(one), "anyOf": _constants(known, name)} for name, one in known.items()
    }
    patterns = {
        f"^{name}({_REPETITION}){{1,{len(counters(known, one.per))}}}$": _value(one)
        for name, one in known.items()
        if one.per is not None
    }
    return {**_closed(properties), "patternProperties": patterns}


def _conditions(known: Known) -> Schema:
    properties = {
        name: {"anyOf": [_value(one), {"type": "array", "items": _value(one), "minItems": 1}]}
        for name, one in known.items()
    }
    return {"description": "active where each of these has one of the values", **_closed(properties)}


def _constants(known: Known, name: str) -> list[Schema]:
    """One value for all repetitions, or lists as deep as the repetitions are nested."""
    found = [_value(known[name])]
    for _ in counters(known, known[name].per):
        found.append({"type": "array", "items": found[-1], "minItems": 1})
    return found


def _value(one: Hyperparameter) -> Schema:
    if one.options:
        return {"enum": list(one.options)}
    kind = {bool: "boolean", int: "integer", float: "number", str: "string"}[type(one.default)]
    bounds = {"minimum": one.low, "maximum": one.high}
    return {"type": kind, **{key: bound for key, bound in bounds.items() if bound is not None}}


def _described(one: Hyperparameter) -> str:
    default = str(one.default).lower() if isinstance(one.default, bool) else str(one.default)
    return f"{one.help} (default {default})"


def _limit(text: str) -> Schema:
    """Editors read 5_000_000 as YAML 1.2 does, as a string."""
    return {"description": text, "anyOf": [_WHOLE, {"type": "string", "pattern": "^[1-9][0-9_]*$"}]}


def _time() -> Schema:
    return {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string", "pattern": _TIME}]}


def _size() -> Schema:
    return {"anyOf": [{**_WHOLE, "maximum": 4096}, {"type": "string", "pattern": "^[0-9]{1,4}(x[0-9]{1,4})?$"}]}


def _closed(properties: Mapping[str, Schema]) -> Schema:
    return {"type": "object", "properties": dict(properties), "additionalProperties": False}


def _every() -> Known:
    """What any family or the recipe knows."""
    families = (family.hyperparameters for family in FAMILIES.values())
    return {name: one for table in (*families, HYPERPARAMETERS) for name, one in table.items()}


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
