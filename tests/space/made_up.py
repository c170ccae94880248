"""Made-up families and a space of them; all the families have ``norm``, two of them ``arms``."""

import pytest

from pipeline.architecture import FAMILIES, Family
from pipeline.hyperparameter import Hyperparameter, Hyperparameters, Params
from pipeline.space import Choice, IntRange, SearchedHyperparameter, Space
from pipeline.space.checks import sort_parents_first
from pipeline.space.hyperparameters import hyperparameters_of

NORM = Hyperparameter("norm", "batch", "", options=("none", "batch"))
ARMS = Hyperparameter("arms", 2, "", low=1)
TABLES = {
    "tall": Hyperparameters(
        Hyperparameter("floors", 3, "", low=1),
        Hyperparameter("rooms", 1, "", low=1, per="floors"),
        Hyperparameter("size", 4, "", low=1, per="rooms"),
        NORM,
    ),
    "wide": Hyperparameters(NORM, ARMS, Hyperparameter("reach", 1, "", low=1, per="arms")),
    "odd": Hyperparameters(ARMS, Hyperparameter("twist", False, ""), NORM),
}


def _no_network(params: Params, shape: tuple[int, int, int], classes: int) -> None:
    raise NotImplementedError


def mixed_hyperparameters() -> Hyperparameters:
    """All that a space of the three families could set."""
    with pytest.MonkeyPatch.context() as patch:
        for name, table in TABLES.items():
            patch.setitem(FAMILIES, name, Family(name, "", table, _no_network))
        return hyperparameters_of(TABLES)


def building() -> Space:
    """The family is drawn; hyperparameters of one, two and all families are searched, and some are constant."""
    mixed = mixed_hyperparameters()
    searched = [
        SearchedHyperparameter("floors", IntRange(1, 2), None, mixed["floors"].when),
        SearchedHyperparameter("size", Choice((4, 8)), "floors", mixed["size"].when),
        SearchedHyperparameter("family", Choice(("odd", "wide", "tall"))),
        SearchedHyperparameter("arms", IntRange(1, 3), None, mixed["arms"].when),
        SearchedHyperparameter("twist", Choice((False, True)), None, (*mixed["twist"].when, ("arms", (2,)))),
        SearchedHyperparameter("norm", Choice(("none", "batch"))),
    ]
    constants = {"rooms": 2, "reach_1": 5, "batch_size": 32}
    limits = {"macs": 10, "memory": 20}
    return Space("building", mixed, sort_parents_first(mixed, searched), constants, {}, limits)
