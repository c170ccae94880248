"""Spaces made from what a space file would hold."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.hyperparameter import Hyperparameters
from pipeline.space import Space, load
from tests.space import made_up


@pytest.fixture(scope="session")
def mixed() -> Hyperparameters:
    """All that a space of the made-up families could set."""
    return made_up.mixed_hyperparameters()


@pytest.fixture(scope="session")
def building() -> Space:
    """A space of the made-up families."""
    return made_up.building()


@pytest.fixture(scope="session")
def make(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Space]:
    """``make({"blocks": 2}, limits={...})``: the space of a file with these hyperparameters and other keys."""
    path: Path = tmp_path_factory.mktemp("spaces") / "mine.yaml"

    def space(hyperparameters: dict[str, Any], **others: Any) -> Space:
        content = {"family": "plain", "hyperparameters": hyperparameters, **others}
        path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        return load(str(path))

    return space


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """``write(text)``: the path of a space file with this text."""

    def file(text: str, name: str = "mine.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return file
