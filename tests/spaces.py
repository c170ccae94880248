"""Small spaces for tests, as files."""

from pathlib import Path

import pytest

from pipeline.errors import SpaceError
from pipeline.space import Space, load

GRID = """
family: plain
hyperparameters:
  head: average
  fc_layers: 0
  blocks: {int: [1, 2]}
  filters: {choice: [4, 8], per: blocks}
  pool: {choice: [none, max]}
  pool_size: {choice: [2, 3], when: {pool: max}}
  norm: none
"""
"""(2 + 4) * (1 + 2) = 18 points."""

CONTINUOUS = """
family: plain
hyperparameters:
  head: average
  fc_layers: 0
  blocks: {int: [1, 3]}
  filters: {choice: [4, 8, 16], per: blocks}
  pool: {choice: [none, max], per: blocks}
  learning_rate: {float: [1e-4, 1e-1], log: true}
"""


def space(folder: Path, text: str, more: str = "") -> Space:
    """The space of a file with this text."""
    path = folder / "space.yaml"
    path.write_text(text + more)
    return load(str(path))


def refused(path: Path) -> str:
    """The one line, after the path, with which a space file is refused."""
    with pytest.raises(SpaceError) as error:
        load(str(path))
    message = str(error.value)
    assert "\n" not in message
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")
