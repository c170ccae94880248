"""The hyperparameters that a space of some families can set."""

from collections.abc import Iterable
from dataclasses import replace

from pipeline.architecture import FAMILIES
from pipeline.hyperparameter import Hyperparameter, Hyperparameters
from pipeline.recipe import HYPERPARAMETERS


def hyperparameters_of(families: Iterable[str]) -> Hyperparameters:
    """The family itself, the hyperparameters of each of these families, then those of the recipe.

    A hyperparameter that not all of the families have takes effect only with those that have it.

    >>> table = hyperparameters_of(["plain", "residual"])
    >>> table["family"].options, table["blocks"].when, table["norm"].when
    (('plain', 'residual'), (('family', ('plain',)),), ())
    """
    tables = {family: FAMILIES[family].hyperparameters for family in families}
    default = "plain" if "plain" in tables else next(iter(tables))
    merged = {"family": Hyperparameter("family", default, "the kind of network", options=tuple(tables))}
    for table in tables.values():
        for name, hyperparameter in table.items():
            users = tuple(family for family in tables if name in tables[family])
            shared = len(users) == len(tables)
            merged[name] = hyperparameter if shared else replace(hyperparameter, when=(("family", users),))
    return Hyperparameters(*merged.values(), *HYPERPARAMETERS.values())
