"""Space files: read, checked and turned into a Space."""

import re
from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import as_file, files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pipeline.architecture import FAMILIES, Infeasible
from pipeline.errors import SpaceError
from pipeline.hyperparameter import Hyperparameter, Scalar
from pipeline.space import checks, limits
from pipeline.space.complete import complete
from pipeline.space.domain import Choice, Domain, FloatRange, IntRange, shown
from pipeline.space.names import Known, at, cast, counters, flatten, hint, hyperparameters, repeated
from pipeline.space.space import Parameter, Space
from pipeline.yaml_file import read_mapping

KEYS: Mapping[str, str] = MappingProxyType(
    {
        "family": "the rule that turns values into an architecture",
        "parameters": "what varies, and what is held at a value; what is left out takes its default",
        "start_from": "known good points, tried first",
        "limits": "costs that no candidate may exceed",
    }
)
FORMS = ("int", "float", "choice")
_LARGEST = 4096
"""Pixels a side of the largest images that a study takes."""


def load(name_or_path: str) -> Space:
    """The space of that name that ships with convtune, or of a file (a path has a separator or ends in .yaml or .yml).

    SpaceError with one line that says where and what, for every file that holds no space.
    """
    if "/" in name_or_path or "\\" in name_or_path or name_or_path.endswith((".yaml", ".yml")):
        path = Path(name_or_path)
        return _space(read_mapping(path, SpaceError), path.stem, name_or_path)
    known = [name for name, _ in available()]
    if name_or_path not in known:
        raise SpaceError(f"unknown space {shown(name_or_path)}{hint(name_or_path, known)}; a file ends in .yaml")
    with as_file(files("search_spaces") / f"{name_or_path}.yaml") as path:
        return _space(read_mapping(path, SpaceError), name_or_path, name_or_path)


def source_text(name_or_path: str) -> str:
    """The text of the space file that ``load`` would read, which must be there."""
    bundled = files("search_spaces") / f"{name_or_path}.yaml"
    return (bundled if bundled.is_file() else Path(name_or_path)).read_text(encoding="utf-8")


def available() -> list[tuple[str, str]]:
    """Name and one line of description of each space that ships with convtune."""
    found = [file for file in files("search_spaces").iterdir() if file.name.endswith(".yaml")]
    texts = {file.name.removesuffix(".yaml"): file.read_text(encoding="utf-8") for file in found}
    return [(name, _description(texts[name])) for name in sorted(texts)]


def _description(text: str) -> str:
    comments = (line.removeprefix("#").strip() for line in text.splitlines() if line.startswith("#"))
    return next((comment for comment in comments if comment and not comment.startswith("yaml-language-server")), "")


def _space(content: Mapping[str, Any], name: str, place: str) -> Space:
    with at(place):
        _check_keys(content, KEYS)
        known = hyperparameters(_families(content))
        raw = _mapping("parameters", content.get("parameters", {}))
        if "family" in raw:
            raise SpaceError("parameters.family: belongs beside parameters; write 'family: ...' above them")
        space = _with_parameters(Space(name, known, (), {}, {}, {}), {"family": content["family"], **raw})
        space = replace(space, limits=_limits(_mapping("limits", content.get("limits", {}))))
        return replace(space, start_from=_start_from(space, content.get("start_from", [])))


def _families(content: Mapping[str, Any]) -> list[str]:
    """The families that the space is about: one, or a choice among some."""
    if "family" not in content:
        raise SpaceError(f"family is missing; add 'family: NAME' ({', '.join(FAMILIES)})")
    family = content["family"]
    with at("family"):
        if isinstance(family, dict):
            _check_keys(family, ("choice",))
        families = family.get("choice") if isinstance(family, dict) else [family]
        if not isinstance(families, list) or not families:
            raise SpaceError(f"expected a name or {{choice: [name, ...]}}, got {shown(family)}")
        for one in families:
            if not isinstance(one, str) or one not in FAMILIES:
                raise SpaceError(f"unknown family {shown(one)}{hint(str(one), FAMILIES)}")
    return families


def _with_parameters(space: Space, raw: Mapping[str, Any]) -> Space:
    known, parameters, constants = space.known, [], dict(space.constants)
    for name, value in raw.items():
        with at("family" if name == "family" else f"parameters.{shown(name)}"):
            if name not in known and (isinstance(value, dict) or not repeated(known, name)):
                raise SpaceError(f"unknown parameter{hint(name, known)}")
            if isinstance(value, dict):
                parameters.append(_parameter(known, name, value))
            else:
                constants |= flatten(known, name, value)
    with at("parameters"):
        space = replace(space, parameters=checks.ordered(known, parameters), constants=constants)
    checks.conditions(space)
    checks.possible(space)
    checks.repetitions(space)
    for name, value in raw.items():
        if isinstance(value, list) or name not in known:
            with at(f"parameters.{name}"):
                checks.reach(space, name, value)
    return space


def _parameter(known: Known, name: str, raw: Mapping[str, Any]) -> Parameter:
    forms = [form for form in FORMS if form in raw]
    _check_keys(raw, (*FORMS, "step", "log", "per", "when"))
    if len(forms) != 1:
        raise SpaceError("expected one of int: [lowest, highest], float: [lowest, highest], choice: [...]")
    domain = _domain(known[name], forms[0], raw)
    per, own = raw.get("per"), counters(known, known[name].per)
    if "per" in raw and per not in own:
        expected = f"expected {' or '.join(own)}" if own else f"{name} is not repeated; leave it out"
        raise SpaceError(f"per: {expected}, got {shown(per)}")
    when = _when(known, _mapping("when", raw.get("when", {})))
    return Parameter(name, domain, per, (*known[name].when, *when))


def _domain(hyperparameter: Hyperparameter, form: str, raw: Mapping[str, Any]) -> Domain:
    content = raw[form]
    if not isinstance(content, list):
        raise SpaceError(f"{form}: expected a list, got {shown(content)}")
    if form == "choice":
        _check_keys(raw, ("choice", "per", "when"))
        return Choice(tuple(_legal(hyperparameter, option) for option in content))
    return _range(hyperparameter, form, content, raw)


def _range(hyperparameter: Hyperparameter, form: str, content: list[Any], raw: Mapping[str, Any]) -> Domain:
    kind = {int: "int", float: "float"}.get(type(hyperparameter.default))
    if form != kind:
        raise SpaceError(f"{form}: is not for {hyperparameter.name}; write {'choice' if kind is None else kind}: [...]")
    if len(content) != 2:
        raise SpaceError(f"{form}: expected [lowest, highest], got a list of {len(content)}")
    options = {key: raw[key] for key in ("step", "log") if key in raw}
    if "step" in options and options["step"] is None:
        raise SpaceError("step: expected a number above 0, got nothing")
    domain = (IntRange if form == "int" else FloatRange)(*content, **options)
    for end in (domain.low, domain.high):
        _legal(hyperparameter, end)
    return domain


def _when(known: Known, raw: Mapping[str, Any]) -> tuple[tuple[str, tuple[Scalar, ...]], ...]:
    conditions = []
    for parent, allowed in sorted(raw.items()):
        with at(f"when: {shown(parent)}"):
            if parent not in known:
                raise SpaceError(f"unknown parameter{hint(parent, known)}")
            options = allowed if isinstance(allowed, list) else [allowed]
            conditions.append((parent, Choice(tuple(_legal(known[parent], one) for one in options)).options))
    return tuple(conditions)


def _legal(hyperparameter: Hyperparameter, value: Any) -> Scalar:
    fault = hyperparameter.fault(value)
    if fault is not None:
        raise SpaceError(fault)
    return cast(hyperparameter, value)


def _limits(raw: Mapping[str, Any]) -> dict[str, float]:
    with at("limits"):
        _check_keys(raw, limits.COSTS)
        return {name: limits.parse(name, raw[name]) for name in limits.COSTS if name in raw}


def _start_from(space: Space, raw: Any) -> dict[str, dict[str, Scalar]]:
    """The points by name; those of a list are called 1, 2 and so on."""
    named = {str(number): point for number, point in enumerate(raw, 1)} if isinstance(raw, list) else raw
    if not isinstance(named, dict):
        raise SpaceError("start_from: expected '- {parameter: value, ...}' or 'name: {parameter: value, ...}' entries")
    points: dict[str, dict[str, Scalar]] = {}
    for name, point in named.items():
        with at(f"start_from, point {shown(name)}"):
            if not re.fullmatch(r"[\w.-]+", name):
                raise SpaceError("expected a name of letters, digits, '_', '-' and '.'")
            points[name] = complete(space, _mapping("", point))
            _check_network(points[name])
    return points


def _check_network(point: dict[str, Scalar]) -> None:
    """SpaceError for a point that gives no network on any image: grey or coloured, and as large as images can be."""
    side, reasons = int(point.get("designed_for", 0)) or _LARGEST, []
    for channels in (1, 3):
        try:
            FAMILIES[str(point["family"])].rule(point, (side, side, channels), 10)
            return
        except Infeasible as infeasible:
            reasons.append(infeasible.reason)
    raise SpaceError(f"no network on any image: {reasons[-1]}")


def _mapping(place: str, content: Any) -> Mapping[str, Any]:
    if not isinstance(content, dict):
        prefix = f"{place}: " if place else ""
        raise SpaceError(
            f"{prefix}expected 'name: value' entries, got {'nothing' if content is None else shown(content)}"
        )
    return content


def _check_keys(content: Mapping[str, Any], known: Any) -> None:
    for key in content:
        if key not in known:
            raise SpaceError(f"unknown key {shown(key)}{hint(key, known)}")
