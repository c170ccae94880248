"""The hyperparameters of a HyperModel, as a worker has listed them, as a Space."""

import hashlib
import os
import re
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from pipeline.errors import SpaceError
from pipeline.hyperparameter import Conditions, Hyperparameter, Scalar, table
from pipeline.space import Choice, Domain, FloatRange, IntRange, Parameter, Space
from pipeline.space.names import at
from pipeline.training.hypermodel.task import Blueprint, Listed


def blueprint(spec: str) -> Blueprint | None:
    """``package.module:Name`` or ``file.py:name`` taken apart; None for the name or path of a space.

    SpaceError for a file that is not there.
    """
    match = re.fullmatch(r"(?P<module>.*\.py|[^\W\d]\w*(?:\.[^\W\d]\w*)*):(?P<attribute>[^\W\d]\w*)", spec)
    if match is None:
        if re.search(r"\.py(:|$)", spec):
            raise SpaceError(f"{spec}: expected file.py:name, the name of a HyperModel or a build function in it")
        return None
    if match["module"].endswith(".py") and not Path(match["module"]).is_file():
        raise SpaceError(f"{spec}: there is no file {match['module']}; the path is relative to the current folder")
    module = match["module"]
    return Blueprint(os.path.normpath(module) if module.endswith(".py") else module, match["attribute"])


def space(source: Blueprint, listed: Iterable[Listed]) -> Space:
    """The Space of everything listed. The values that KerasTuner would begin with are its point ``default``.

    SpaceError for a name that has another range under other conditions: a space has one.
    """
    spec, united = str(source), _united(source, listed)
    fixed = {one.name: one.default for one in united.values() if one.kind == "fixed" and not one.when}
    parameters = []
    for one in united.values():
        with at(f"{spec}: {one.name}"):
            if one.name not in fixed:
                parameters.append(Parameter(one.name, _domain(one), when=_conditions(one, united)))
    made = Space(
        name=f"{Path(source.module).stem if source.module.endswith('.py') else source.module}:{source.attribute}",
        known=table(*map(_hyperparameter, united.values())),
        parameters=tuple(parameters),
        constants=fixed,
        start_from={},
        limits={},
    )
    return replace(made, start_from={"default": made.complete({})})


def text(made: Space, source: Blueprint, file: str) -> str:
    """What a study keeps of its HyperModel, as YAML for people: where it is, its parameters, its source as it was."""
    content = {
        "hypermodel": str(source),
        "parameters": {one.name: _written(one) for one in made.parameters} | dict(made.constants),
    }
    note = f"# To go on, a study needs the HyperModel where it is: {file or source.module}. This is what it was.\n"
    written = note + yaml.safe_dump(content, sort_keys=False, default_flow_style=None, allow_unicode=True)
    code = _code(file)
    return f"{written}source: |2\n{textwrap.indent(code, '  ')}" if code else written


def fingerprint(source: Blueprint, file: str) -> str:
    """16 hex digits of which HyperModel it is and of the text of its ``file``, wherever that lies.

    What the file imports does not count; without a text the name of the module does.
    """
    content = f"{source.attribute}\n{_code(file) or source.module}"
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _code(file: str) -> str:
    """The text of a Python file, "" for one that cannot be read."""
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError, ValueError):
        return ""


def _united(source: Blueprint, listed: Iterable[Listed]) -> dict[str, Listed]:
    """Each name once, active where any of that name is, and perhaps elsewhere, where its value has no effect."""
    found: dict[str, Listed] = {}
    for one in listed:
        other = found.setdefault(one.name, one)
        if replace(one, when=(), default=other.default) != replace(other, when=()):
            raise SpaceError(f"{source}: {one.name} has several ranges, by condition; give each a name of its own")
        found[one.name] = replace(other, when=_either(other.when, one.when))
    return found


def _either(one: Conditions, other: Conditions) -> Conditions:
    """Conditions that hold wherever all of ``one`` or all of ``other`` do, with as little else as can be said."""
    mine, theirs = _by_parent(one), _by_parent(other)
    return tuple(
        (name, (*mine[name], *(v for v in theirs[name] if v not in mine[name]))) for name in mine if name in theirs
    )


def _by_parent(when: Iterable[tuple[str, tuple[Scalar, ...]]]) -> dict[str, tuple[Scalar, ...]]:
    """The values that a parent may have under all of its conditions."""
    allowed: dict[str, tuple[Scalar, ...]] = {}
    for name, values in when:
        allowed[name] = tuple(value for value in values if value in allowed.get(name, values))
    return allowed


def _conditions(one: Listed, listed: Mapping[str, Listed]) -> Conditions:
    """Its own, and those of its parents: what KerasTuner's inactive parents have no value for."""
    gathered, visited = list(one.when), set()
    for name, _ in gathered:  # it grows
        if name in listed and name not in visited:
            visited.add(name)
            gathered += listed[name].when
    return tuple(_by_parent(gathered).items())


def _hyperparameter(one: Listed) -> Hyperparameter:
    help = one.note or "of the HyperModel"
    if one.kind in ("choice", "fixed"):
        default = one.default if one.default in one.options else one.options[0]
        return Hyperparameter(one.name, default, help, options=one.options if one.kind == "choice" else ())
    default = float(one.default) if one.kind == "float" else one.default
    return Hyperparameter(one.name, default, help, low=one.low, high=one.high)


def _domain(one: Listed) -> Domain:
    if one.kind == "int":
        return IntRange(int(one.low), int(one.high), int(one.step or 1), one.log)
    if one.kind == "float":
        return FloatRange(one.low, one.high, one.step, one.log)
    return Choice(one.options)


def _written(one: Parameter) -> dict[str, Any]:
    """The parameter as a space file has it."""
    when = {"when": {name: list(values) for name, values in one.when}} if one.when else {}
    match one.domain:
        case Choice(options=options):
            return {"choice": list(options), **when}
        case domain:
            kind = "int" if isinstance(domain, IntRange) else "float"
            more = {"step": domain.step, "log": domain.log}
            return {kind: [domain.low, domain.high], **{key: value for key, value in more.items() if value}, **when}
