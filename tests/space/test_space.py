import random
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import SpaceError
from pipeline.hyperparameter import Scalar
from pipeline.space import (
    Choice,
    Domain,
    IntRange,
    Space,
    complete,
    enumeration,
    fix,
)

PER = dict.fromkeys(("convs", "stride", "pool", "pool_size"), ("blocks",))
PER |= {"filters": ("blocks", "convs"), "fc_width": ("fc_layers",)}
DOMAINS: dict[str, list[Any]] = {
    "blocks": [{"int": [1, 2]}, {"choice": [2, 1]}, 2],
    "fc_layers": [{"int": [0, 2]}, {"choice": [2, 0]}, 0, 1],
    "optimizer": [{"choice": ["sgd", "adam"]}, "sgd"],
    "convs": [{"int": [1, 2]}, 2],
    "filters": [{"choice": [8, 16]}, {"int": [4, 12], "step": 4}],
    "stride": [{"choice": [1, 2]}],
    "pool": [{"choice": ["none", "max", "average"]}, {"choice": ["none", "max"]}],
    "pool_size": [{"choice": [2, 3]}, 3],
    "fc_width": [{"choice": [32, 64]}, 16],
    "momentum": [{"float": [0.7, 0.9], "step": 0.1}, {"choice": [0, 0.5]}],
    "flip": [{"choice": [False, True]}, True],
}
CONDITIONS = {
    "pool_size": [{"pool": ["max"]}, {"pool": "max", "stride": 1}],
    "momentum": [{"optimizer": "sgd"}],
    "filters": [{"blocks": 2}],
    "fc_width": [{"fc_layers": [1]}, {"optimizer": "sgd"}],
    "stride": [{"convs": 1}, {"filters": [8]}],
}
"""Often such a condition can never hold or has no single value there; then the file is refused and drawn again."""


@st.composite
def contents(draw) -> dict[str, Any]:
    """Hyperparameters as a file holds them, in any order, most of them legal."""
    content: dict[str, Any] = {}
    for name in draw(st.permutations(list(DOMAINS))):
        if draw(st.booleans()):
            continue
        form = draw(st.sampled_from(DOMAINS[name]))
        if isinstance(form, dict):
            form = dict(form)
            if name in PER and draw(st.booleans()):
                form["per"] = draw(st.sampled_from(PER[name]))
            if name in CONDITIONS and draw(st.booleans()):
                form["when"] = draw(st.sampled_from(CONDITIONS[name]))
        content[name] = form
    return content


def rolled(seed: int) -> Callable[[str, Domain], Scalar]:
    """A random suggestion from any domain."""
    dice = random.Random(seed)

    def suggest(name: str, domain: Domain) -> Scalar:
        if domain.count() is None:
            return dice.uniform(domain.low, domain.high)
        return dice.choice(list(domain.values()))

    return suggest


def attempt(make, content: dict[str, Any]) -> Space | None:
    try:
        return make(content)
    except SpaceError:
        return None


@given(contents(), st.integers(0, 2**32))
@settings(deadline=None, max_examples=150)
def test_points_draws_and_completion_agree(make, content, seed):
    space = attempt(make, content)
    if space is None or enumeration.size(space) > 400:
        return
    points = [tuple(sorted(point.items())) for point in enumeration.points(space)]
    assert len(points) == len(set(points)) == enumeration.size(space)
    drawn = space.draw(rolled(seed))
    assert tuple(sorted(drawn.items())) in points
    assert complete(space, drawn) == drawn
    assert all(complete(space, dict(point)) == dict(point) for point in points[:20])


@given(contents(), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=40)
def test_the_order_of_a_file_does_not_matter(make, content, dice):
    space = attempt(make, content)
    if space is None:
        return
    names = list(content)
    dice.shuffle(names)
    other = make({name: content[name] for name in names})
    assert other.searched == space.searched
    assert other.fingerprint == space.fingerprint


@given(contents(), st.integers(0, 2**32))
@settings(deadline=None, max_examples=40)
def test_parents_are_suggested_before_their_children(make, content, seed):
    space = attempt(make, content)
    if space is None:
        return
    order = [entry.name for entry in space.searched]
    for entry in space.searched:
        parents = {parent for parent, _ in entry.when} | {*space.hyperparameters.counters(entry.per)}
        assert all(order.index(parent) < order.index(entry.name) for parent in parents if parent in order)


def test_each_active_repetition_is_suggested_once_under_its_own_name(make):
    space = make(
        {
            "blocks": {"int": [3, 3]},
            "pool": {"choice": ["max", "none"], "per": "blocks"},
            "pool_size": {"choice": [2, 3], "per": "blocks", "when": {"pool": "max"}},
            "filters": {"choice": [8, 16]},
            "norm": "none",
        }
    )
    suggested: list[str] = []

    def suggest(name: str, domain: Domain) -> Scalar:
        suggested.append(name)
        return "none" if name == "pool_2" else domain.first

    point = space.draw(suggest)
    assert suggested == ["blocks", "filters", "pool_1", "pool_2", "pool_3", "pool_size_1", "pool_size_3"]
    assert point == {
        "family": "plain",
        "norm": "none",
        "blocks": 3,
        "filters": 8,
        "pool_1": "max",
        "pool_2": "none",
        "pool_3": "max",
        "pool_size_1": 2,
        "pool_size_3": 2,
    }


def test_a_suggestion_outside_its_domain_is_refused(make):
    with pytest.raises(SpaceError, match="blocks: 9 is outside 1 to 2"):
        make({"blocks": {"int": [1, 2]}}).draw(lambda name, domain: 9)


def test_an_inactive_parent_counts_with_its_default(make):
    """As the family reads it: pool is max where nothing says otherwise."""
    space = make(
        {
            "blocks": {"int": [1, 2]},
            "pool": {"choice": ["none", "average"], "when": {"blocks": 1}},
            "pool_size": {"choice": [2, 3], "when": {"pool": "max"}},
        }
    )
    assert [point.get("pool_size") for point in enumeration.points(space)] == [None, None, 2, 3]


def test_a_list_is_a_constant_for_each_repetition_and_only_those_there_are_apply(make):
    space = make({"blocks": {"int": [1, 3]}, "filters": [8, 16, 32]})
    assert [[value for key, value in point.items() if "filters" in key] for point in enumeration.points(space)] == [
        [8],
        [8, 16],
        [8, 16, 32],
    ]


def test_a_continuous_parameter_is_named(make):
    space = make({"blocks": {"int": [1, 2]}, "learning_rate": {"float": [0.1, 0.2]}})
    assert enumeration.size(space) is None
    with pytest.raises(SpaceError) as error:
        enumeration.points(space)
    hint = "give it a step or a choice, or search it with random or bayesian"
    assert str(error.value) == f"learning_rate is a continuous range; {hint}"


def test_a_continuous_parameter_that_is_never_active_does_no_harm(make):
    momentum = {"float": [0.5, 0.9], "when": {"optimizer": "sgd"}}
    space = make({"optimizer": {"choice": ["sgd", "adam"]}, "momentum": momentum})
    assert enumeration.size(space) is None
    assert enumeration.size(fix(space, {"optimizer": "adam"})) == 1


KERNELS = {"blocks": {"int": [1, 2]}, "kernel": {"choice": [3, 5], "per": "blocks"}}


def test_the_family_comes_first_and_each_has_its_own_parameters_and_constants(building):
    assert building.searched[0].name == "family"
    points = [point for point in enumeration.points(building) if point["norm"] == "none"]
    keys = {tuple(key for key in point if key not in ("norm", "batch_size")) for point in points}
    assert keys == {
        ("rooms", "family", "floors", "size_1"),
        ("rooms", "family", "floors", "size_1", "size_2"),
        ("reach_1", "family", "arms"),
        ("family", "arms"),
        ("family", "arms", "twist"),
    }
    assert len(points) * 2 == enumeration.size(building) == 2 * (2 + 4 + 3 + 3 + 1)


def test_a_parameter_may_be_drawn_for_an_outer_repetition_alone(make):
    space = make(
        {
            "blocks": 2,
            "convs": [1, 2],
            "filters": {"choice": [8, 16], "per": "blocks"},
            "kernel": {"choice": [3, 5], "per": "convs"},
        }
    )
    assert enumeration.size(space) == 2**2 * 2**3
    point = complete(space, {"filters": [8, 16], "kernel": [[5], [3, 5]]})
    assert {key: point[key] for key in point if key[:6] in ("filter", "kernel")} == {
        "filters_1": 8,
        "filters_2": 16,
        "kernel_1_1": 5,
        "kernel_2_1": 3,
        "kernel_2_2": 5,
    }


def test_the_fingerprint_is_of_what_is_searched_alone(make):
    space = make(KERNELS)
    assert len(space.fingerprint) == 16
    assert make(KERNELS, start_from=[{"blocks": 1}]).fingerprint == space.fingerprint
    different = [
        make(KERNELS, limits={"macs": 5}),
        make(KERNELS | {"norm": "none"}),
        make(KERNELS | {"blocks": {"int": [1, 3]}}),
        make(KERNELS | {"blocks": {"choice": [1, 2]}}),
        make(KERNELS | {"kernel": {"choice": [3, 5]}}),
        make(KERNELS | {"kernel": {"choice": [3, 5], "per": "blocks", "when": {"blocks": 2}}}),
        fix(space, {"kernel_1": 3}),
    ]
    assert len({other.fingerprint for other in different} | {space.fingerprint}) == len(different) + 1


def test_the_fingerprint_is_the_same_in_another_process(make, tmp_path):
    """A study is resumed in a process with other hash seeds."""
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({"family": "plain", "hyperparameters": KERNELS}))
    code = f"from pipeline.space import load; print(load({str(path)!r}).fingerprint)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == make(KERNELS).fingerprint


def test_domains_are_the_ones_of_the_file(make):
    space = make({"blocks": {"int": [1, 6], "step": 2}, "dropout": {"choice": [0, 0.5]}})
    assert [entry.domain for entry in space.searched] == [IntRange(1, 5, 2), Choice((0.0, 0.5))]
    assert type(space.searched[1].domain.first) is float
