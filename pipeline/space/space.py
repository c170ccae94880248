"""A search space: hyperparameters that vary within a range, under conditions, and hyperparameters held at a value."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from pipeline.errors import SpaceError
from pipeline.hyperparameter import (
    Conditions,
    Hyperparameters,
    Index,
    Params,
    Scalar,
    format_value,
    join_key,
    setting_keys,
)
from pipeline.space.domain import Domain


@dataclass(frozen=True)
class SearchedHyperparameter:
    """A hyperparameter that a space varies within ``domain``.

    ``per`` names the hyperparameter that counts its repetitions (None: one value, shared by all of them). It is active
    where every parent in ``when`` has one of its allowed values; an inactive parent counts with its default.
    ``when`` also holds the conditions of the hyperparameter itself, such as the families that have it.
    """

    name: str
    domain: Domain
    per: str | None = None
    when: Conditions = ()


@dataclass(frozen=True)
class Space:
    """The params that a search may try; ``load`` reads a space from a file.

    ``hyperparameters`` are all that it could set. ``searched`` are those that vary, parents before children.
    ``constants`` holds what does not vary, under the keys of the repetitions where these differ. ``start_from`` are
    complete points to try first, by name. ``limits`` bound the costs of a candidate.
    """

    name: str
    hyperparameters: Hyperparameters
    searched: tuple[SearchedHyperparameter, ...]
    constants: Params
    start_from: Mapping[str, dict[str, Scalar]]
    limits: Mapping[str, float]

    def draw(self, suggest: Callable[[str, Domain], Scalar]) -> dict[str, Scalar]:
        """One point: ``suggest`` is called once for each active repetition, with its key and domain, parents first.

        The constants that have an effect are part of the point. SpaceError when a suggestion is outside its domain.
        """
        params = dict(self.constants)
        for searched in self.searched:
            for index in self.hyperparameters.repetitions(params, self.hyperparameters.counters(searched.per)):
                if self.varies(searched, params, index):
                    key = join_key(searched.name, index)
                    params[key] = _member(key, searched.domain, suggest(key, searched.domain))
        return {key: value for key, value in params.items() if key not in self.constants or self._applies(key, params)}

    def varies(self, searched: SearchedHyperparameter, params: Params, index: Index) -> bool:
        """Whether ``searched`` is drawn at ``index``: its conditions hold there and no constant sets it."""
        if any(key in self.constants for key in setting_keys(searched.name, index)):
            return False
        return self.hyperparameters.unmet_condition(params, searched.when, index) is None

    @cached_property
    def fingerprint(self) -> str:
        """16 hex digits, equal for spaces with the same domains, conditions, constants and limits.

        The order in the file, comments, the name and the start points do not matter.
        """
        searched = {
            entry.name: [type(entry.domain).__name__, vars(entry.domain), entry.per, dict(entry.when)]
            for entry in self.searched
        }
        content = {"constants": dict(self.constants), "hyperparameters": searched, "limits": dict(self.limits)}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]

    def _applies(self, constant: str, params: Params) -> bool:
        name, index = self.hyperparameters.split_key(constant)
        return self.hyperparameters.why_absent(params, name, index) is None


def _member(key: str, domain: Domain, value: Scalar) -> Scalar:
    member = domain.member(value)
    if member is None:
        raise SpaceError(f"{key}: {format_value(value)} is outside {domain}")
    return member
