"""Parses the entry of a searched hyperparameter: ``{int: [1, 5], per: blocks, when: {norm: batch}}``."""

from collections.abc import Mapping
from typing import Any

from pipeline.errors import SpaceError, error_at, nearest_or_all
from pipeline.hyperparameter import Conditions, Hyperparameter, Hyperparameters, format_value
from pipeline.space.content import check_keys, expect_mapping
from pipeline.space.domain import Choice, Domain, FloatRange, IntRange
from pipeline.space.space import SearchedHyperparameter

FORMS = ("int", "float", "choice")
"""The keys that give a domain; an entry has exactly one of them."""


def parse_searched(hyperparameters: Hyperparameters, name: str, content: Mapping[str, Any]) -> SearchedHyperparameter:
    """The hyperparameter ``name`` with the domain and conditions in ``content``; SpaceError for an invalid entry.

    >>> from pipeline.hyperparameter import Hyperparameter
    >>> table = Hyperparameters(Hyperparameter("blocks", 3, "blocks of convolutions", low=1))
    >>> print(parse_searched(table, "blocks", {"int": [1, 5], "step": 2}).domain)
    1 to 5 in steps of 2
    """
    check_keys(content, (*FORMS, "step", "log", "per", "when"))
    forms = [form for form in FORMS if form in content]
    if len(forms) != 1:
        raise SpaceError("expected one of int: [lowest, highest], float: [lowest, highest], choice: [...]")
    hyperparameter = hyperparameters[name]
    domain = _domain(hyperparameter, forms[0], content)
    per, counters = content.get("per"), hyperparameters.counters_of(name)
    if "per" in content and per not in counters:
        expected = f"expected {' or '.join(counters)}" if counters else f"{name} is not repeated; leave it out"
        raise SpaceError(f"per: {expected}, got {format_value(per)}")
    return SearchedHyperparameter(name, domain, per, (*hyperparameter.when, *_conditions(hyperparameters, content)))


def _domain(hyperparameter: Hyperparameter, form: str, content: Mapping[str, Any]) -> Domain:
    values = content[form]
    if not isinstance(values, list):
        raise SpaceError(f"{form}: expected a list, got {format_value(values)}")
    if form == "choice":
        check_keys(content, ("choice", "per", "when"))
        return Choice(tuple(hyperparameter.validate(option) for option in values))
    return _range(hyperparameter, form, values, content)


def _range(hyperparameter: Hyperparameter, form: str, ends: list[Any], content: Mapping[str, Any]) -> Domain:
    own_form = {int: "int", float: "float"}.get(type(hyperparameter.default), "choice")
    if form != own_form:
        raise SpaceError(f"{form}: does not suit {hyperparameter.name}; write {own_form}: [...]")
    if len(ends) != 2:
        raise SpaceError(f"{form}: expected [lowest, highest], got a list of {len(ends)}")
    options = {key: content[key] for key in ("step", "log") if key in content}
    if "step" in options and options["step"] is None:
        raise SpaceError("step: expected a number above 0, got nothing")
    domain = (IntRange if form == "int" else FloatRange)(*ends, **options)
    for end in (domain.low, domain.high):
        hyperparameter.validate(end)
    return domain


def _conditions(hyperparameters: Hyperparameters, content: Mapping[str, Any]) -> Conditions:
    with error_at("when"):
        parents = expect_mapping(content.get("when", {}))
    conditions = []
    for parent, allowed in sorted(parents.items()):
        with error_at(f"when: {format_value(parent)}"):
            if parent not in hyperparameters:
                raise SpaceError(f"unknown hyperparameter{nearest_or_all(parent, hyperparameters)}")
            values = allowed if isinstance(allowed, list) else [allowed]
            options = Choice(tuple(hyperparameters[parent].validate(value) for value in values)).options
            conditions.append((parent, options))
    return tuple(conditions)
