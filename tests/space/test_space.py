import json
import random
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.architecture import FAMILIES
from pipeline.errors import SpaceError
from pipeline.hyperparameter import Scalar
from pipeline.space import Choice, Domain, IntRange, Parameter, Space, load
from pipeline.space.checks import ordered
from pipeline.space.names import counters

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
    """Parameters as a file holds them, in any order, most of them legal."""
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
    if space is None or space.size() > 400:
        return
    points = [tuple(sorted(point.items())) for point in space.points()]
    assert len(points) == len(set(points)) == space.size()
    drawn = space.draw(rolled(seed))
    assert tuple(sorted(drawn.items())) in points
    assert space.complete(drawn) == drawn
    assert all(space.complete(dict(point)) == dict(point) for point in points[:20])


@given(contents(), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=40)
def test_the_order_of_a_file_does_not_matter(make, content, dice):
    space = attempt(make, content)
    if space is None:
        return
    names = list(content)
    dice.shuffle(names)
    other = make({name: content[name] for name in names})
    assert other.parameters == space.parameters
    assert other.fingerprint == space.fingerprint


@given(contents(), st.integers(0, 2**32))
@settings(deadline=None, max_examples=40)
def test_parents_are_suggested_before_their_children(make, content, seed):
    space = attempt(make, content)
    if space is None:
        return
    order = [one.name for one in space.parameters]
    for one in space.parameters:
        above = {parent for parent, _ in one.when} | {*counters(space.known, one.per)}
        assert all(order.index(parent) < order.index(one.name) for parent in above if parent in order)


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
    asked: list[str] = []

    def suggest(name: str, domain: Domain) -> Scalar:
        asked.append(name)
        return "none" if name == "pool_2" else domain.first

    point = space.draw(suggest)
    assert asked == ["blocks", "filters", "pool_1", "pool_2", "pool_3", "pool_size_1", "pool_size_3"]
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
    assert [point.get("pool_size") for point in space.points()] == [None, None, 2, 3]


def test_a_list_is_a_constant_for_each_repetition_and_only_those_there_are_apply(make):
    space = make({"blocks": {"int": [1, 3]}, "filters": [8, 16, 32]})
    assert [[value for key, value in point.items() if "filters" in key] for point in space.points()] == [
        [8],
        [8, 16],
        [8, 16, 32],
    ]


def test_a_continuous_parameter_is_named(make):
    space = make({"blocks": {"int": [1, 2]}, "learning_rate": {"float": [0.1, 0.2]}})
    assert space.size() is None
    with pytest.raises(SpaceError) as error:
        space.points()
    hint = "give it a step or a choice, or search it with random or bayesian"
    assert str(error.value) == f"learning_rate is a continuous range; {hint}"


def test_a_continuous_parameter_that_is_never_active_does_no_harm(make):
    momentum = {"float": [0.5, 0.9], "when": {"optimizer": "sgd"}}
    space = make({"optimizer": {"choice": ["sgd", "adam"]}, "momentum": momentum})
    assert space.size() is None
    assert space.fixed({"optimizer": "adam"}).size() == 1


KERNELS = {"blocks": {"int": [1, 2]}, "kernel": {"choice": [3, 5], "per": "blocks"}}


def test_fixing_a_parameter_takes_it_out_of_the_search(make):
    space = make(KERNELS).fixed({"kernel": 7})
    assert [one.name for one in space.parameters] == ["blocks"]
    assert list(space.points()) == [{"family": "plain", "kernel": 7, "blocks": blocks} for blocks in (1, 2)]


def test_fixing_one_repetition_leaves_the_others(make):
    space = make(KERNELS).fixed({"kernel_2": 5})
    assert [(point["kernel_1"], point.get("kernel_2")) for point in space.points()] == [
        (3, None),
        (5, None),
        (3, 5),
        (5, 5),
    ]
    assert space.size() == 4


def test_one_repetition_wins_over_all_in_any_order(make):
    for settings_ in ({"kernel": 3, "kernel_2": 5}, {"kernel_2": 5, "kernel": 3}):
        constants = make(KERNELS).fixed(settings_).constants
        assert constants == {"family": "plain", "kernel": 3, "kernel_2": 5}


def test_a_parameter_fixed_anew_forgets_what_its_repetitions_were_fixed_at(make):
    assert make(KERNELS).fixed({"kernel_2": 5}).fixed({"kernel": 3}).constants == {"family": "plain", "kernel": 3}


def test_a_parameter_that_the_space_leaves_out_can_be_fixed(make):
    assert make(KERNELS).fixed({"momentum": 1 / 2, "batch_size": 32}).constants["momentum"] == 0.5


def test_a_list_fixes_each_repetition(make):
    space = make(KERNELS).fixed({"kernel": [7, 5]})
    assert list(space.points())[1] == {"family": "plain", "kernel_1": 7, "kernel_2": 5, "blocks": 2}


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"kernl": 3}, "kernl: unknown parameter kernl, did you mean 'kernel'?"),
        ({"kernel": 0}, "kernel: 0 is below 1"),
        ({"kernel": "three"}, "kernel: expected a whole number, got 'three'"),
        ({"kernel_3": 3}, "kernel_3: can never be of use: blocks is at most 2"),
        ({"kernel_2": 3, "blocks": 1}, "kernel_2: can never be of use: blocks is at most 1"),
        ({"kernel": [3]}, "kernel: expected 2 values, one for each of blocks, got a list of 1"),
        ({"dropout_1": 0.1}, "dropout_1: unknown parameter dropout_1: dropout is not repeated that often"),
        ({"family": "residual"}, "family: 'residual' is not one of plain"),
        ({"blocks": 10**6}, "parameters.blocks: 1000000 repetitions are too many; at most 1000"),
    ],
)
def test_what_cannot_be_fixed_is_refused(make, settings_, message):
    with pytest.raises(SpaceError) as error:
        make(KERNELS).fixed(settings_)
    assert str(error.value).startswith(f"space mine: {message}")


def test_start_points_follow_what_is_fixed(make):
    start = [{"blocks": 1, "kernel": 3}, {"blocks": 2, "kernel": [3, 5]}, {"blocks": 2, "kernel": [5, 5]}]
    space = make(KERNELS, start_from=start).fixed({"blocks": 2, "kernel_1": 7})
    kernels = {name: (one["blocks"], one["kernel_1"], one["kernel_2"]) for name, one in space.start_from.items()}
    assert kernels == {"1": (2, 7, 3), "2": (2, 7, 5), "3": (2, 7, 5)}
    assert all(space.complete(one) == one for one in space.start_from.values())


@pytest.mark.parametrize("family", FAMILIES)
def test_start_points_of_other_families_go_when_the_family_is_fixed(family):
    space = load("all")
    kept = {name: point for name, point in space.start_from.items() if point["family"] == family}
    assert 0 < len(kept) < len(space.start_from)
    assert space.fixed({"family": family}).start_from == kept


@pytest.fixture
def building(mixed) -> Space:
    """The family drawn, parameters of each and of all, and constants of one."""
    parameters = [
        Parameter("floors", IntRange(1, 2), None, mixed["floors"].when),
        Parameter("size", Choice((4, 8)), "floors", mixed["size"].when),
        Parameter("family", Choice(("odd", "wide", "tall"))),
        Parameter("arms", IntRange(1, 3), None, mixed["arms"].when),
        Parameter("twist", Choice((False, True)), None, (*mixed["twist"].when, ("arms", (2,)))),
        Parameter("norm", Choice(("none", "batch"))),
    ]
    constants = {"rooms": 2, "reach_1": 5, "batch_size": 32}
    return Space("building", mixed, ordered(mixed, parameters), constants, {}, {"macs": 10, "memory": 20})


def test_the_family_comes_first_and_each_has_its_own_parameters_and_constants(building):
    assert building.parameters[0].name == "family"
    points = [point for point in building.points() if point["norm"] == "none"]
    asked = {tuple(key for key in point if key not in ("norm", "batch_size")) for point in points}
    assert asked == {
        ("rooms", "family", "floors", "size_1"),
        ("rooms", "family", "floors", "size_1", "size_2"),
        ("reach_1", "family", "arms"),
        ("family", "arms"),
        ("family", "arms", "twist"),
    }
    assert len(points) * 2 == building.size() == 2 * (2 + 4 + 3 + 3 + 1)


def test_a_point_of_several_families_is_made_whole_and_is_one_of_the_space(building):
    assert building.complete({}) == building.complete({"family": "tall", "floors": 1, "size": [4], "norm": "batch"})
    assert all(building.complete(point) == point for point in building.points())


@pytest.mark.parametrize(
    ("point", "message"),
    [
        ({"family": "wide", "floors": 2}, "floors: has no effect here: family is wide"),
        ({"family": "wide", "size": [[4], [4, 4]]}, "size_1_1: has no effect here: family is wide"),
        ({"arms": 2}, "arms: has no effect here: family is tall"),
        ({"family": "tall", "reach_1": 5}, "reach_1: has no effect here: family is tall"),
        ({"family": "odd", "twist": True, "arms": 1}, "twist: has no effect here: arms is 1"),
        ({"family": "old"}, "family: 'old' is not one of tall, wide, odd"),
        ({"floors": 2, "size": [[4] * 3, [4] * 2]}, "size_1: expected 2 values, one each of rooms_1, got a list of 3"),
    ],
)
def test_what_the_family_of_a_point_does_not_know_has_no_effect(building, point, message):
    with pytest.raises(SpaceError) as error:
        building.complete(point)
    assert str(error.value) == f"space building: {message}"


def test_the_family_can_be_fixed_and_then_the_constants_of_others_are_of_no_use(building):
    space = building.fixed({"family": "odd"})
    assert [{"family", "arms"} <= point.keys() for point in space.points()] == [True] * 8
    assert space.size() == 8
    with pytest.raises(SpaceError, match="floors: can never be of use: family is never tall"):
        building.fixed({"family": "odd", "floors": 1})


def test_rows_say_which_families_know_a_parameter(building):
    conditions = {row["parameter"]: row["condition"] for row in building.rows()}
    assert conditions["family"] == conditions["norm"] == ""
    assert conditions["size"] == "per floors, when family is tall"
    assert conditions["arms"] == "when family is wide or odd"
    assert conditions["twist"] == "when family is odd, when arms is 2"
    assert (conditions["reach_1"], conditions["batch_size"]) == ("fixed, when family is wide", "fixed")


def test_a_parameter_may_be_drawn_for_an_outer_repetition_alone(make):
    space = make(
        {
            "blocks": 2,
            "convs": [1, 2],
            "filters": {"choice": [8, 16], "per": "blocks"},
            "kernel": {"choice": [3, 5], "per": "convs"},
        }
    )
    assert space.size() == 2**2 * 2**3
    point = space.complete({"filters": [8, 16], "kernel": [[5], [3, 5]]})
    assert {key: point[key] for key in point if key[:6] in ("filter", "kernel")} == {
        "filters_1": 8,
        "filters_2": 16,
        "kernel_1_1": 5,
        "kernel_2_1": 3,
        "kernel_2_2": 5,
    }


def test_start_points_have_names(make):
    space = make(KERNELS, start_from={"small": {"blocks": 1}, "large-2.0": {"kernel": [3, 5], "blocks": 2}})
    assert list(space.start_from) == ["small", "large-2.0"]
    assert space.complete("small") == space.start_from["small"] == space.complete({"blocks": 1})
    with pytest.raises(SpaceError, match="space mine: unknown start point smal, did you mean 'small'"):
        space.complete("smal")
    with pytest.raises(SpaceError, match="unknown start point x; it has none: write parameter=value"):
        make(KERNELS).complete("x")


def test_limits_can_be_replaced_and_lifted(building):
    assert building.limited({"memory": "2GB", "parameters": 5}).limits == {
        "parameters": 5,
        "macs": 10,
        "memory": 2 * 10**9,
    }
    assert building.limited({"macs": "none", "latency_ms": "none"}).limits == {"memory": 20}
    assert building.limited({}).fingerprint == building.fingerprint != building.limited({"macs": 9}).fingerprint


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"mac": 5}, "unknown limit mac, did you mean 'macs'?"),
        ({"macs": 0}, "macs: expected a whole number above 0, got 0"),
        ({"macs": "nothing"}, "macs: expected a whole number above 0, got nothing"),
    ],
)
def test_what_is_no_limit_is_refused(building, limits, message):
    with pytest.raises(SpaceError) as error:
        building.limited(limits)
    assert str(error.value) == f"space building: {message}"


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
        space.fixed({"kernel_1": 3}),
    ]
    assert len({one.fingerprint for one in different} | {space.fingerprint}) == len(different) + 1


def test_the_fingerprint_is_the_same_in_another_process(make, tmp_path):
    """A study is resumed in a process with other hash seeds."""
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({"family": "plain", "parameters": KERNELS}))
    code = f"from pipeline.space import load; print(load({str(path)!r}).fingerprint)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == make(KERNELS).fingerprint


def test_rows_say_what_a_person_wants_to_know(make):
    space = make(
        {
            "pool": {"choice": ["none", "max"], "per": "blocks"},
            "pool_size": {"int": [2, 3], "per": "blocks", "when": {"pool": "max"}},
            "learning_rate": {"float": [1e-3, 0.1], "log": True},
            "flip": True,
        }
    )
    rows = {row["parameter"]: row for row in space.rows()}
    assert rows["pool_size"]["condition"] == "per blocks, when pool is max"
    assert (rows["pool_size"]["range"], rows["pool_size"]["points"], rows["pool_size"]["default"]) == ("2 to 3", 2, 2)
    assert (rows["learning_rate"]["range"], rows["learning_rate"]["points"]) == ("0.001 to 0.1 (log)", None)
    assert (rows["flip"]["range"], rows["flip"]["condition"], rows["flip"]["points"]) == ("true", "fixed", 1)
    assert json.dumps(space.rows())


def test_domains_are_the_ones_of_the_file(make):
    space = make({"blocks": {"int": [1, 6], "step": 2}, "dropout": {"choice": [0, 0.5]}})
    assert [one.domain for one in space.parameters] == [IntRange(1, 5, 2), Choice((0.0, 0.5))]
    assert type(space.parameters[1].domain.first) is float
