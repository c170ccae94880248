"""Spaces made from what a space file would hold."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.space import Space, load


@pytest.fixture(scope="session")
def make(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Space]:
    """``make({"blocks": 2}, limits={...})``: the space of a file with these parameters and other keys."""
    path: Path = tmp_path_factory.mktemp("spaces") / "mine.yaml"

    def space(parameters: dict[str, Any], **others: Any) -> Space:
        content = {"family": "plain", "parameters": parameters, **others}
        path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        return load(str(path))

    return space
