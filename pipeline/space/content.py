"""Checks of a YAML file's content that hold for every part of a space file."""

from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.errors import SpaceError, nearest_or_all
from pipeline.hyperparameter import format_value


def expect_mapping(content: Any) -> Mapping[str, Any]:
    """``content``, if it is a mapping; SpaceError for anything else."""
    if isinstance(content, dict):
        return content
    came = "nothing" if content is None else format_value(content)
    raise SpaceError(f"expected 'name: value' entries, got {came}")


def check_keys(content: Mapping[str, Any], allowed: Iterable[str]) -> None:
    """SpaceError that names the first key that is not ``allowed``."""
    allowed = tuple(allowed)
    for key in content:
        if key not in allowed:
            raise SpaceError(f"unknown key {format_value(key)}{nearest_or_all(key, allowed)}")
