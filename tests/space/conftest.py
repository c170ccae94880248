"""Spaces made from what a space file would hold."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from pipeline.hyperparameter import Hyperparameter, table
from pipeline.space import Space, load
from pipeline.space.names import Known, hyperparameters

NORM = Hyperparameter("norm", "batch", "", options=("none", "batch"))
ARMS = Hyperparameter("arms", 2, "", low=1)
TABLES = {
    "tall": table(
        Hyperparameter("floors", 3, "", low=1),
        Hyperparameter("rooms", 1, "", low=1, per="floors"),
        Hyperparameter("size", 4, "", low=1, per="rooms"),
        NORM,
    ),
    "wide": table(NORM, ARMS, Hyperparameter("reach", 1, "", low=1, per="arms")),
    "odd": table(ARMS, Hyperparameter("twist", False, ""), NORM),
}
"""Made-up families: all know ``norm``, two know ``arms``."""


@pytest.fixture(scope="session")
def mixed() -> Known:
    """What a space of all the made-up families could set."""
    with pytest.MonkeyPatch.context() as patch:
        families = {name: SimpleNamespace(hyperparameters=known) for name, known in TABLES.items()}
        patch.setattr("pipeline.space.names.FAMILIES", families)
        return hyperparameters(families)


@pytest.fixture(scope="session")
def make(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Space]:
    """``make({"blocks": 2}, limits={...})``: the space of a file with these parameters and other keys."""
    path: Path = tmp_path_factory.mktemp("spaces") / "mine.yaml"

    def space(parameters: dict[str, Any], **others: Any) -> Space:
        content = {"family": "plain", "parameters": parameters, **others}
        path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        return load(str(path))

    return space
