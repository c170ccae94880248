import random
from pathlib import Path

import pytest

from pipeline.architecture import FAMILIES, Infeasible
from pipeline.errors import SpaceError
from pipeline.recipe import HYPERPARAMETERS
from pipeline.space import available, load

SHIPPED = [name for name, _ in available()]


@pytest.fixture
def write(tmp_path):
    def file(text: str, name: str = "mine.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return file


def test_a_file_is_read_whole(write):
    path = write(
        "family: plain\nparameters:\n  blocks: {int: [1, 2]}\n  learning_rate: {float: [1e-4, 1e-1], log: true}\n"
        "  filters: [8, 16]\n  norm: none\nlimits: {macs: 5_000_000, parameters: 1e5}\nstart_from: [{blocks: 1}]\n"
    )
    space = load(str(path))
    assert space.name == "mine"
    assert [one.name for one in space.parameters] == ["blocks", "learning_rate"]
    assert space.constants == {"family": "plain", "filters_1": 8, "filters_2": 16, "norm": "none"}
    assert space.limits == {"parameters": 100_000, "macs": 5_000_000}
    assert [type(limit) for limit in space.limits.values()] == [int, int]
    assert space.start_from["1"]["learning_rate"] == 1e-3


def test_the_family_may_be_a_parameter(write):
    text = "family: {choice: [residual, plain]}\nparameters: {stages: 2, blocks: {int: [1, 2]}, block: basic}\n"
    space = load(str(write(text + "start_from: {small: {family: plain}, skips: {family: residual}}")))
    assert [one.name for one in space.parameters] == ["family", "blocks"]
    assert [dict(sorted(point.items())) for point in space.points()] == [
        {"block": "basic", "family": "residual", "stages": 2},
        {"blocks": 1, "family": "plain"},
        {"blocks": 2, "family": "plain"},
    ]
    assert [point["family"] for point in space.start_from.values()] == ["plain", "residual"]


TWO_FAMILIES = "family: {choice: [plain, residual]}\nparameters: "


def test_what_a_family_does_not_know_counts_with_its_default(write):
    parameters = "{block: {choice: [bottleneck]}, dropout: {choice: [0.0, 0.5], when: {block: basic}}}"
    points = [(point["family"], point.get("dropout")) for point in load(str(write(TWO_FAMILIES + parameters))).points()]
    assert points == [("plain", 0.0), ("plain", 0.5), ("residual", None)]


def test_but_not_for_what_that_family_does_not_know_either(write):
    parameters = "{block: {choice: [bottleneck]}, order: {choice: [pre, post], when: {block: basic}}}"
    assert refused(write(TWO_FAMILIES + parameters)) == (
        "parameters.order: when: block can never be basic in this space"
    )
    assert load(str(write(TWO_FAMILIES + "{blocks: {int: [1, 2]}, filters: [8, 16]}"))).size() == 3


@pytest.mark.parametrize(
    ("parameters", "point", "reason"),
    [
        ("groups: {choice: [1, 3]}", "groups: 3", "block1_conv1: 3 groups do not divide"),
        ("padding: valid, kernel: {choice: [3, 4097]}", "kernel: 4097", "block1_conv1: kernel 4097x4097 does not fit"),
        ("designed_for: 8, blocks: {int: [1, 9]}", "blocks: 4", "block4_pool: pool 2x2 does not fit its 1x1 map"),
    ],
)
def test_a_start_point_that_is_no_network_on_any_image_is_refused(write, parameters, point, reason):
    """Three groups need a coloured image, and 32 filters are not divided by them either."""
    text = f"family: plain\nparameters: {{{parameters}}}\nstart_from: {{good: {{}}, bad: {{{point}}}}}\n"
    assert refused(write(text)).startswith(f"start_from, point bad: no network on any image: {reason}")


def test_one_repetition_can_be_held_at_a_value(write):
    text = "family: plain\nparameters: {blocks: 2, filters: {choice: [4, 8], per: blocks}, filters_1: 5}"
    points = list(load(str(write(text))).points())
    assert [(point["filters_1"], point["filters_2"]) for point in points] == [(5, 4), (5, 8)]


def test_a_family_alone_is_a_space_of_one_point(write):
    assert list(load(str(write("family: plain"))).points()) == [{"family": "plain"}]


BAD_FAMILIES = {
    "fmaily: plain": "unknown key fmaily, did you mean 'family'?",
    "parameters: {}": "family is missing; add 'family: NAME' (plain",
    "family: plane": "family: unknown family plane, did you mean 'plain'?",
    "family: [plain]": "family: unknown family ['plain']",
    "family:": "family: unknown family None",
    "family: {choice: [plain, residaul]}": "family: unknown family residaul, did you mean 'residual'?",
    "family: {choice: [plain, plain]}": "family: choice lists plain twice",
    "family: {choice: plain}": "family: expected a name or {choice: [name, ...]}, got",
    "family: {chioce: [plain]}": "family: unknown key chioce, did you mean 'choice'?",
    "family: {}": "family: expected a name or {choice: [name, ...]}, got {}",
    "family: {choice: [plain], log: true}": "family: unknown key log",
}
BAD = {
    "parameters:": "parameters: expected 'name: value' entries, got nothing",
    "parameters: [blocks]": "parameters: expected 'name: value' entries, got ['blocks']",
    "limits: 5": "limits: expected 'name: value' entries, got 5",
    "start_from: {blocks: 2}": "start_from, point blocks: expected 'name: value' entries, got 2",
    "start_from: 2": "start_from: expected '- {parameter: value, ...}' or 'name: {parameter: value, ...}' entries",
    "start_from: {a b: {}}": "start_from, point a b: expected a name of letters, digits, '_', '-' and '.'",
    "start_from: {a=b: {}}": "start_from, point a=b: expected a name",
    "start_from: [2]": "start_from, point 1: expected 'name: value' entries, got 2",
    "start_from: [{blocks: 3}, {blcks: 2}]": "start_from, point 2: unknown parameter blcks, did you mean 'blocks'?",
    "limits: {mac: 5}": "limits: unknown key mac, did you mean 'macs'?",
    "limits: {macs: 0}": "limits: macs: expected a whole number above 0, got 0",
    "limits: {macs: -5}": "limits: macs: expected a whole number above 0, got -5",
    "limits: {macs: 1.5}": "limits: macs: expected a whole number above 0, got 1.5",
    "limits: {macs: .inf}": "limits: macs: expected a whole number above 0, got inf",
    "limits: {macs: .nan}": "limits: macs: expected a whole number above 0, got nan",
    "limits: {macs: true}": "limits: macs: expected a whole number above 0, got true",
    "limits: {macs: many}": "limits: macs: expected a whole number above 0, got many",
    "limits: {macs: }": "limits: macs: expected a whole number above 0, got None",
}
BAD_PARAMETERS = {
    "blcks: 3": "blcks: unknown parameter, did you mean 'blocks'?",
    "filters_2: {choice: [8]}": "filters_2: unknown parameter, did you mean 'filters'?",
    "filters_9: 32": "filters_9: can never be of use: blocks is at most 3",
    "blocks:": "blocks: expected a whole number, got None",
    "blocks: {}": "blocks: expected one of int: [lowest, highest]",
    "blocks: {int: [1, 2], choice: [1]}": "blocks: expected one of int: [lowest, highest]",
    "blocks: {itn: [1, 2]}": "blocks: unknown key itn, did you mean 'int'?",
    "blocks: {int: [1, 2], stpe: 1}": "blocks: unknown key stpe, did you mean 'step'?",
    "blocks: {int: 3}": "blocks: int: expected a list, got 3",
    "blocks: {int: [1]}": "blocks: int: expected [lowest, highest], got a list of 1",
    "blocks: {int: [1, 2, 3]}": "blocks: int: expected [lowest, highest], got a list of 3",
    "blocks: {int: [5, 1]}": "blocks: the range is reversed: 5 is above 1",
    "blocks: {int: [1.5, 3]}": "blocks: expected whole numbers, got 1.5",
    "blocks: {int: [true, 3]}": "blocks: expected whole numbers, got True",
    "blocks: {int: [one, 3]}": "blocks: expected whole numbers, got 'one'",
    "blocks: {int: [1, 3], step: 0}": "blocks: step: expected a number above 0, got 0",
    "blocks: {int: [1, 3], step: }": "blocks: step: expected a number above 0, got nothing",
    "blocks: {int: [1, 3], step: 9}": "blocks: step 9 is longer than the range 1 to 3",
    "blocks: {int: [1, 8], step: 2, log: true}": "blocks: log and step cannot go together",
    "blocks: {int: [0, 3]}": "blocks: 0 is below 1",
    "blocks: {int: [1, 5000]}": "blocks: 5000 repetitions are too many; at most 1000",
    "fc_layers: {int: [0, 3], log: true}": "fc_layers: log needs a lowest value above 0, got 0",
    "learning_rate: {float: [0, 1], log: true}": "learning_rate: log needs a lowest value above 0, got 0.0",
    "learning_rate: {float: [1e-3, 1], log: true, step: 0.1}": "learning_rate: log and step cannot go together",
    "learning_rate: {float: [1e-3, 1], log: 1}": "learning_rate: log: expected true or false, got 1",
    "learning_rate: {float: [1e-3, 1000]}": "learning_rate: 1000.0 is above 100",
    "learning_rate: {float: [a, b]}": "learning_rate: expected numbers, got 'a'",
    "learning_rate: {int: [1, 2]}": "learning_rate: int: is not for learning_rate; write float: [...]",
    "blocks: {float: [1, 2]}": "blocks: float: is not for blocks; write int: [...]",
    "pool: {int: [1, 2]}": "pool: int: is not for pool; write choice: [...]",
    "filters: {choice: []}": "filters: choice is empty; list at least one value",
    "filters: {choice: 32}": "filters: choice: expected a list, got 32",
    "filters: {choice: [32, 64, 32]}": "filters: choice lists 32 twice",
    "dropout: {choice: [0, 0.0]}": "dropout: choice lists 0.0 twice",
    "filters: {choice: [32, '64']}": "filters: expected a whole number, got '64'",
    "filters: {choice: [[32]]}": "filters: expected a whole number, got [32]",
    "filters: {choice: [0, 32]}": "filters: 0 is below 1",
    "filters: {choice: [16, 32], log: true}": "filters: unknown key log",
    "pool: {choice: [none, min]}": "pool: 'min' is not one of none, max, average",
    "pool: {choice: [none, ~]}": "pool: expected a word, got None",
    "flip: yes": "flip: expected true or false, got 'yes'",
    "flip: 1": "flip: expected true or false, got 1",
    "filters: many": "filters: expected a whole number, got 'many'",
    "filters: [32, many, 64]": "filters: expected a whole number, got 'many'",
    "filters: [32, 64]": "filters: expected 3 values, one for each of blocks, got a list of 2",
    "blocks: 2, filters: [32, 64, 32]": "filters: expected 2 values, one for each of blocks, got a list of 3",
    "dropout: [0.1]": "dropout: expected one value, got a list of 1",
    "filters: {choice: [8], per: pool}": "filters: per: expected blocks or convs, got pool",
    "filters: {choice: [8], per: }": "filters: per: expected blocks or convs, got None",
    "filters: [[8], [8], [8, 8]]": "filters: expected 1 values, one for each of convs_3, got a list of 2",
    "convs: [1, 2, 1], filters: [8, [8], 8]": "filters: expected 2 values, one for each of convs_2, got a list of 1",
    "family: plain": "family: belongs beside parameters; write 'family: ...' above them",
    "dropout: {choice: [0.1], per: fc_layers}": "dropout: per: dropout is not repeated; leave it out, got fc_layers",
    "filters: {choice: [8], when: pool}": "filters: when: expected 'name: value' entries, got pool",
    "filters: {choice: [8], when: {pol: max}}": "filters: when: pol: unknown parameter, did you mean 'pool'?",
    "filters: {choice: [8], when: {pool: min}}": "filters: when: pool: 'min' is not one of none, max, average",
    "filters: {choice: [8], when: {pool: []}}": "filters: when: pool: choice is empty",
    "filters: {choice: [8], when: {pool: none}}": "filters: when: pool can never be none in this space",
    "pool: none, pool_size: {choice: [2], when: {pool: max}}": "pool_size: when: pool can never be max in this space",
    "blocks: {int: [1, 3]}, filters: {choice: [8], when: {blocks: [2, 4]}}": "filters: when: blocks can never be 4",
    "pool: {choice: [none, max], per: blocks}, norm: {choice: [none], when: {pool: max}}": (
        "norm: when: pool varies per blocks and norm does not"
    ),
    "pool: [max, none, max], pool_size: {choice: [2], when: {pool: max}}": (
        "pool_size: when: pool varies per blocks and pool_size does not"
    ),
}
CYCLES = {
    "head: {choice: [average], when: {norm: none}}, norm: {choice: [none], when: {head: average}}": (
        "norm -> head -> norm",
        "head -> norm -> head",
    ),
    "norm: {choice: [none], when: {norm: none}}": ("norm -> norm",),
    "blocks: {int: [1, 2], when: {filters: 8}}, filters: {choice: [8], per: blocks}": (
        "blocks -> filters -> blocks",
        "filters -> blocks -> filters",
    ),
}


def refused(path: Path) -> str:
    with pytest.raises(SpaceError) as error:
        load(str(path))
    message = str(error.value)
    assert "\n" not in message
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


@pytest.mark.parametrize("line", BAD)
def test_a_bad_file_is_refused_in_one_line(write, line):
    assert refused(write(f"family: plain\n{line}\n")).startswith(BAD[line])


@pytest.mark.parametrize("line", BAD_FAMILIES)
def test_a_bad_family_is_refused_in_one_line(write, line):
    assert refused(write(f"{line}\n")).startswith(BAD_FAMILIES[line])


@pytest.mark.parametrize("parameters", BAD_PARAMETERS)
def test_a_bad_parameter_is_refused_in_one_line(write, parameters):
    message = refused(write(f"family: plain\nparameters: {{{parameters} }}\n"))
    assert message.startswith(f"parameters.{BAD_PARAMETERS[parameters]}")


@pytest.mark.parametrize("parameters", CYCLES)
def test_a_cycle_is_refused_with_its_path(write, parameters):
    message = refused(write(f"family: plain\nparameters: {{{parameters}}}\n"))
    assert message.startswith("parameters: conditions go in a circle: ")
    assert any(path in message for path in CYCLES[parameters])


@pytest.mark.parametrize(
    ("point", "message"),
    [
        ("{filters: 12}", "filters_1: 12 is outside 8, 16"),
        ("{blocks: 3}", "blocks: 3 is outside 1 to 2"),
        ("{blocks: 1, filters_2: 8}", "filters_2: has no effect here: blocks is 1"),
        ("{norm: none}", "norm: none is outside the space"),
        ("{kernel: even}", "kernel: expected a whole number, got 'even'"),
    ],
)
def test_a_start_point_outside_the_space_is_refused(write, point, message):
    parameters = "blocks: {int: [1, 2]}, filters: {choice: [8, 16], per: blocks}"
    text = f"family: plain\nparameters: {{{parameters}}}\nstart_from: [{{blocks: 1}}, {point}]\n"
    assert refused(write(text)).startswith(f"start_from, point 2: {message}")


def test_a_yaml_error_has_its_line_and_column(write):
    message = refused(write("family: plain\nparameters:\n  blocks: {int: [1, 2}\n"))
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
    by_path = load(str(Path(__file__).parents[2] / "search_spaces" / "quick.yaml"))
    assert by_path.fingerprint == load("quick").fingerprint


@pytest.mark.parametrize("name", SHIPPED)
def test_what_ships_says_on_top_what_it_is(name):
    lines = (Path(__file__).parents[2] / "search_spaces" / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "# yaml-language-server: $schema=space.schema.json"
    for label in ("command:", "minutes:", "score:"):
        assert any(line.startswith(f"# {label}") for line in lines), label
    assert f"--space {name} " in next(line for line in lines if "command:" in line)


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("side", [28, 64])
def test_start_points_that_ship_are_networks_and_the_first_is_within_the_limits(name, side):
    """Not all spaces are meant for large images: the limit on MACs is checked at the size of digits."""
    space = load(name)
    made = [FAMILIES[str(point["family"])].rule(point, (side, side, 1), 10) for point in space.start_from.values()]
    for first in made[:1]:
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
            architecture = FAMILIES[str(values["family"])].rule(values, (28, 28, 1), 10)
        except Infeasible:
            continue
        costs = {"parameters": architecture.parameters, "macs": architecture.macs}
        fits += all(costs[cost] <= limit for cost, limit in space.limits.items())
    assert fits >= share * 300


def test_the_grid_is_small_enough_to_go_through():
    assert load("grid").size() <= 24


def test_no_name_means_two_things():
    """A hyperparameter of the recipe under the name of a family's could not be told from it."""
    for family in FAMILIES.values():
        assert not family.hyperparameters.keys() & HYPERPARAMETERS.keys()
