"""Makes a Space from the hyperparameters that a worker has listed for a HyperModel."""

import hashlib
import os
import re
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from pipeline.errors import SpaceError, error_at
from pipeline.hypermodel.source import HyperModelSource, ListedHyperparameter, Survey
from pipeline.hypermodel.widen import widen
from pipeline.hyperparameter import Conditions, Hyperparameter, Hyperparameters, Scalar
from pipeline.recipe import CLASS_WEIGHTS
from pipeline.space import Choice, Domain, FloatRange, IntRange, SearchedHyperparameter, Space, complete
from pipeline.training.pixel_form import AUTO


def parse_source(spec: str) -> HyperModelSource | None:
    """The source that ``package.module:Name`` or ``file.py:name`` names; None for the name or path of a space.

    SpaceError for a file that does not exist.

    >>> parse_source("keras_tuner.applications:HyperResNet").attribute
    'HyperResNet'
    >>> parse_source("quick") is None
    True
    """
    match = re.fullmatch(r"(?P<module>.*\.py|[^\W\d]\w*(?:\.[^\W\d]\w*)*):(?P<attribute>[^\W\d]\w*)", spec)
    if match is None:
        if re.search(r"\.py(:|$)", spec):
            raise SpaceError(f"{spec}: expected file.py:name, the name of a HyperModel or a build function in it")
        return None
    if match["module"].endswith(".py") and not Path(match["module"]).is_file():
        raise SpaceError(f"{spec}: there is no file {match['module']}; the path is relative to the current folder")
    module = match["module"]
    return HyperModelSource(os.path.normpath(module) if module.endswith(".py") else module, match["attribute"])


def make_space(source: HyperModelSource, listed: Iterable[ListedHyperparameter]) -> Space:
    """The Space of all listed hyperparameters. KerasTuner's default values become its start point ``default``.

    A name that is listed with several ranges, by condition or by the value of another, is drawn from the narrowest that
    holds them all; building the model shows whether a value is in the right one. SpaceError for a name with values of
    several kinds.
    """
    by_name = _merge(source, listed)
    single = {name: entry for name, entry in by_name.items() if entry.kind == "fixed" and len(entry.options) == 1}
    fixed = {name: entry.default for name, entry in single.items() if not entry.when}
    searched = []
    for name, entry in by_name.items():
        with error_at(f"{source}: {name}"):
            if name not in fixed:
                searched.append(SearchedHyperparameter(name, make_domain(entry), when=_conditions(entry, by_name)))
    space = Space(
        name=f"{Path(source.module).stem if source.module.endswith('.py') else source.module}:{source.attribute}",
        hyperparameters=Hyperparameters(*map(_hyperparameter, by_name.values())),
        searched=tuple(searched),
        constants=fixed,
        start_from={},
        limits={},
    )
    return replace(space, start_from={"default": complete(space, {})})


def describe_survey(source: HyperModelSource, survey: Survey) -> tuple[list[str], list[str]]:
    """Notes and warnings about a HyperModel before it is searched, one line each."""
    names = list(dict.fromkeys(entry.name for entry in survey.listed))
    ranges = {name: {make_domain(entry) for entry in survey.listed if entry.name == name} for name in names}
    following = [name for name in names if len(ranges[name]) > 1]
    notes = [_pixels_note(source, survey)] if survey.pixels else []
    if following:
        notes.append(
            f"{source}: the ranges of {', '.join(following)} follow other values; each is drawn from its widest range,"
            " and params outside the range beside their other values are infeasible"
        )
    notes += [f"{source}: {entry.name} is {entry.note}" for entry in survey.listed if entry.note]
    warnings = []
    if survey.idle:
        advice = "; --epochs sets the epochs" if "epochs" in survey.idle else ""
        warnings.append(
            f"{source}: {', '.join(survey.idle)} had no effect on the models tried, their compilation or their"
            f" training{advice}"
        )
    if survey.unadapted:
        warnings.append(
            f"{source}: its layer {survey.unadapted[0]} has no statistics, so it changes nothing:"
            " adapt that Normalization to images, or give it mean and variance"
        )
    if survey.ignores_weights:
        warnings.append(
            f"{source}: --class-weight {source.class_weight} is ignored, since its fit() does not give it to model.fit;"
            " let fit() take class_weight, or **kwargs, and pass it on"
        )
    return notes, warnings


def _pixels_note(source: HyperModelSource, survey: Survey) -> str:
    first, *others = survey.pixels
    advice = "" if source.pixels != AUTO else "; --pixels changes that"
    more = "".join(f"; with other params {other.range}: {other.reason}" for other in others)
    return f"{source}: the model gets pixels of {first.range}: {first.reason}{more}{advice}"


def source_text(space: Space, source: HyperModelSource, file: str, code: str) -> str:
    """The YAML text about its HyperModel that a study keeps for people: its source, its hyperparameters, its code."""
    content = {
        "hypermodel": str(source),
        "hyperparameters": {searched.name: _entry(searched) for searched in space.searched} | dict(space.constants),
    }
    note = f"# To resume, the study needs the HyperModel itself: {file or source.module}. This is a copy.\n"
    text = note + yaml.safe_dump(content, sort_keys=False, default_flow_style=None, allow_unicode=True)
    return f"{text}source: |2\n{textwrap.indent(code, '  ')}" if code else text


def fingerprint(source: HyperModelSource, code: str) -> str:
    """16 hex digits: equal for the same name, pixels and class weights in a file of the same text, wherever it lies.

    The modules that the file imports are not part of it. Without a text, the module's name replaces it.
    """
    pixels = "" if source.pixels == AUTO else f"\n{source.pixels}"
    weights = "" if source.class_weight == CLASS_WEIGHTS[0] else f"\nclass_weight {source.class_weight}"
    content = f"{source.attribute}\n{code or source.module}{pixels}{weights}"
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def read_code(file: str) -> str:
    """The text of a Python file, "" if it cannot be read."""
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError, ValueError):
        return ""


def _merge(source: HyperModelSource, listed: Iterable[ListedHyperparameter]) -> dict[str, ListedHyperparameter]:
    """One hyperparameter per name, active wherever one of the listed ones of that name is.

    It may also be active elsewhere, where its value has no effect.
    """
    by_name: dict[str, ListedHyperparameter] = {}
    for entry in listed:
        other = by_name.setdefault(entry.name, entry)
        if (both := widen(other, entry)) is None:
            raise SpaceError(f"{source}: {entry.name} has values of several kinds; give each its own name")
        by_name[entry.name] = replace(both, when=_either(other.when, entry.when))
    return by_name


def _either(first: Conditions, second: Conditions) -> Conditions:
    """The narrowest conditions that hold wherever all of ``first`` or all of ``second`` hold."""
    first_values, second_values = _by_parent(first), _by_parent(second)
    return tuple(
        (name, tuple(dict.fromkeys((*first_values[name], *second_values[name]))))
        for name in first_values
        if name in second_values
    )


def _by_parent(when: Iterable[tuple[str, tuple[Scalar, ...]]]) -> dict[str, tuple[Scalar, ...]]:
    """The values that each parent may have if all conditions hold."""
    allowed: dict[str, tuple[Scalar, ...]] = {}
    for name, values in when:
        allowed[name] = tuple(value for value in values if value in allowed.get(name, values))
    return allowed


def _conditions(entry: ListedHyperparameter, listed: Mapping[str, ListedHyperparameter]) -> Conditions:
    """Its own conditions and those of its parents, since an inactive parent has no value in KerasTuner."""
    conditions, visited = list(entry.when), set()
    for name, _ in conditions:  # grows by the conditions of the parents
        if name in listed and name not in visited:
            visited.add(name)
            conditions += listed[name].when
    return tuple(_by_parent(conditions).items())


def _hyperparameter(entry: ListedHyperparameter) -> Hyperparameter:
    help = entry.note or "hyperparameter of the HyperModel"
    if entry.kind in ("choice", "fixed"):
        default = entry.default if entry.default in entry.options else entry.options[0]
        return Hyperparameter(
            entry.name,
            default,
            help,
            options=entry.options if entry.kind == "choice" or len(entry.options) > 1 else (),
        )
    default = float(entry.default) if entry.kind == "float" else entry.default
    return Hyperparameter(entry.name, default, help, low=entry.low, high=entry.high)


def make_domain(entry: ListedHyperparameter) -> Domain:
    """The domain of a listed hyperparameter; SpaceError for an empty one."""
    if entry.kind == "int":
        return IntRange(int(entry.low), int(entry.high), int(entry.step or 1), entry.log)
    if entry.kind == "float":
        return FloatRange(entry.low, entry.high, entry.step, entry.log)
    return Choice(entry.options)


def _entry(searched: SearchedHyperparameter) -> dict[str, Any]:
    """The entry of a hyperparameter in a space file."""
    when = {"when": {name: list(values) for name, values in searched.when}} if searched.when else {}
    match searched.domain:
        case Choice(options=options):
            return {"choice": list(options), **when}
        case domain:
            kind = "int" if isinstance(domain, IntRange) else "float"
            settings = {"step": domain.step, "log": domain.log}
            given = {key: value for key, value in settings.items() if value}
            return {kind: [domain.low, domain.high], **given, **when}
