import random
import re
from pathlib import Path

import pytest

from pipeline.architecture import FAMILIES, Infeasible
from pipeline.errors import SpaceError
from pipeline.space import available, enumeration, load
from tests.spaces import refused

ROOT = Path(__file__).parents[2]
SHIPPED = [name for name, _ in available()]


def test_a_yaml_error_has_its_line_and_column(write):
    message = refused(write("family: plain\nhyperparameters:\n  blocks: {int: [1, 2}\n"))
    assert message.startswith("line 3, column 22: ")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("quik", "unknown space quik, did you mean 'quick'?; a file ends in .yaml"),
        (
            "zzz",
            f"unknown space zzz; there are {', '.join(SHIPPED)}; a file ends in .yaml",
        ),
        ("", "unknown space ; there are"),
        ("nowhere/mine.yaml", "nowhere/mine.yaml: no such file"),
        ("nowhere.yml", "nowhere.yml: no such file"),
        (".", "unknown space ."),
    ],
)
def test_an_unknown_space_is_refused(name, message):
    with pytest.raises(SpaceError) as error:
        load(name)
    assert str(error.value).startswith(message)


def test_a_folder_is_refused(tmp_path):
    assert refused(tmp_path).startswith("is a folder")


def test_what_ships_is_found_by_name_and_by_path():
    assert {"plain", "quick", "grid"} <= set(SHIPPED)
    assert all(description and not description.startswith("yaml") for _, description in available())
    by_path = load(str(ROOT / "search_spaces" / "quick.yaml"))
    assert by_path.fingerprint == load("quick").fingerprint


@pytest.mark.parametrize("name", SHIPPED)
def test_what_ships_says_on_top_what_it_is(name):
    lines = (ROOT / "search_spaces" / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "# yaml-language-server: $schema=space.schema.json"
    for label in ("command:", "minutes:", "score:"):
        assert any(line.startswith(f"# {label}") for line in lines), label
    assert f"--space {name} " in next(line for line in lines if "command:" in line)


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("side", [28, 64])
def test_start_points_that_ship_are_networks_and_the_first_is_within_the_limits(name, side):
    """Not all spaces are meant for large images: the limit on MACs is checked at the size of digits."""
    space = load(name)
    networks = [FAMILIES[str(point["family"])].build(point, (side, side, 1), 10) for point in space.start_from.values()]
    for first in networks[:1]:
        assert first.parameters <= space.limits.get("parameters", 10**12) or side > 28
        assert first.macs <= space.limits.get("macs", 10**15) or side > 28


@pytest.mark.parametrize(("name", "share"), [("quick", 0.85), ("grid", 1.0), ("plain", 0.35)])
def test_most_draws_of_what_ships_can_be_trained(name, share):
    space, dice, fits = load(name), random.Random(1), 0
    for _ in range(300):
        values = space.draw(
            lambda _, domain: (
                dice.uniform(domain.low, domain.high) if domain.count() is None else dice.choice([*domain.values()])
            )
        )
        try:
            architecture = FAMILIES[str(values["family"])].build(values, (28, 28, 1), 10)
        except Infeasible:
            continue
        costs = {"parameters": architecture.parameters, "macs": architecture.macs}
        fits += all(costs[cost] <= limit for cost, limit in space.limits.items())
    assert fits >= share * 300


def test_the_grid_is_small_enough_to_go_through():
    assert enumeration.size(load("grid")) <= 24


def test_the_example_of_the_documentation_is_a_space(write):
    [example] = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "families.md").read_text(encoding="utf-8"), re.DOTALL)
    space = load(str(write(example)))
    assert {entry.name for entry in space.searched} == {"blocks", "filters", "pool", "pool_size", "learning_rate"}
