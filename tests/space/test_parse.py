import pytest

from pipeline.space import enumeration, load
from tests.spaces import refused


def test_a_file_is_read_whole(write):
    path = write(
        "family: plain\nhyperparameters:\n  blocks: {int: [1, 2]}\n  learning_rate: {float: [1e-4, 1e-1], log: true}\n"
        "  filters: [8, 16]\n  norm: none\nlimits: {macs: 5_000_000, parameters: 1e5}\nstart_from: [{blocks: 1}]\n"
    )
    space = load(str(path))
    assert space.name == "mine"
    assert [entry.name for entry in space.searched] == ["blocks", "learning_rate"]
    assert space.constants == {"family": "plain", "filters_1": 8, "filters_2": 16, "norm": "none"}
    assert space.limits == {"parameters": 100_000, "macs": 5_000_000}
    assert [type(limit) for limit in space.limits.values()] == [int, int]
    assert space.start_from["1"]["learning_rate"] == 1e-3


def test_the_family_may_be_searched(write):
    text = "family: {choice: [residual, plain]}\nhyperparameters: {stages: 2, blocks: {int: [1, 2]}, block: basic}\n"
    space = load(str(write(text + "start_from: {small: {family: plain}, skips: {family: residual}}")))
    assert [entry.name for entry in space.searched] == ["family", "blocks"]
    assert [dict(sorted(point.items())) for point in enumeration.points(space)] == [
        {"block": "basic", "family": "residual", "stages": 2},
        {"blocks": 1, "family": "plain"},
        {"blocks": 2, "family": "plain"},
    ]
    assert [point["family"] for point in space.start_from.values()] == ["plain", "residual"]


TWO_FAMILIES = "family: {choice: [plain, residual]}\nhyperparameters: "


def test_what_a_family_does_not_know_counts_with_its_default(write):
    entries = "{block: {choice: [bottleneck]}, dropout: {choice: [0.0, 0.5], when: {block: basic}}}"
    points = [
        (point["family"], point.get("dropout"))
        for point in enumeration.points(load(str(write(TWO_FAMILIES + entries))))
    ]
    assert points == [("plain", 0.0), ("plain", 0.5), ("residual", None)]


def test_but_not_for_what_that_family_does_not_know_either(write):
    entries = "{block: {choice: [bottleneck]}, order: {choice: [pre, post], when: {block: basic}}}"
    assert refused(write(TWO_FAMILIES + entries)) == (
        "hyperparameters.order: when: block can never be basic in this space"
    )
    assert enumeration.size(load(str(write(TWO_FAMILIES + "{blocks: {int: [1, 2]}, filters: [8, 16]}")))) == 3


@pytest.mark.parametrize(
    ("entries", "point", "reason"),
    [
        ("groups: {choice: [1, 3]}", "groups: 3", "block1_conv1: 3 groups do not divide"),
        ("padding: valid, kernel: {choice: [3, 4097]}", "kernel: 4097", "block1_conv1: kernel 4097x4097 does not fit"),
        ("designed_for: 8, blocks: {int: [1, 9]}", "blocks: 4", "block4_pool: pool 2x2 does not fit its 1x1 map"),
    ],
)
def test_a_start_point_that_is_no_network_on_any_image_is_refused(write, entries, point, reason):
    """Three groups need a coloured image, and 32 filters are not divided by them either."""
    text = f"family: plain\nhyperparameters: {{{entries}}}\nstart_from: {{good: {{}}, bad: {{{point}}}}}\n"
    assert refused(write(text)).startswith(f"start_from, point bad: no network on any image: {reason}")


def test_one_repetition_can_be_held_at_a_value(write):
    text = "family: plain\nhyperparameters: {blocks: 2, filters: {choice: [4, 8], per: blocks}, filters_1: 5}"
    points = list(enumeration.points(load(str(write(text)))))
    assert [(point["filters_1"], point["filters_2"]) for point in points] == [(5, 4), (5, 8)]


def test_a_family_alone_is_a_space_of_one_point(write):
    assert list(enumeration.points(load(str(write("family: plain"))))) == [{"family": "plain"}]


BAD_FAMILIES = {
    "fmaily: plain": "unknown key fmaily, did you mean 'family'?",
    "hyperparameters: {}": "family is missing; add 'family: NAME' (plain",
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
    "parameters: {blocks: 2}": "parameters: this key is called hyperparameters now; rename it",
    "hyperparameters:": "hyperparameters: expected 'name: value' entries, got nothing",
    "hyperparameters: [blocks]": "hyperparameters: expected 'name: value' entries, got ['blocks']",
    "limits: 5": "limits: expected 'name: value' entries, got 5",
    "start_from: {blocks: 2}": "start_from, point blocks: expected 'name: value' entries, got 2",
    "start_from: 2": "start_from: expected '- {hyperparameter: value, ...}' or "
    "'name: {hyperparameter: value, ...}' entries",
    "start_from: {a b: {}}": "start_from, point a b: expected a name of letters, digits, '_', '-' and '.'",
    "start_from: {a=b: {}}": "start_from, point a=b: expected a name",
    "start_from: [2]": "start_from, point 1: expected 'name: value' entries, got 2",
    "start_from: [{blocks: 3}, {blcks: 2}]": "start_from, point 2: "
    "unknown hyperparameter blcks, did you mean 'blocks'?",
    "limits: {mac: 5}": "limits: unknown key mac, did you mean 'macs'?",
    "limits: {macs: 0}": "limits: macs: expected a whole number above 0 such as 5_000_000 or 5M, got 0",
    "limits: {macs: -5}": "limits: macs: expected a whole number above 0 such as 5_000_000 or 5M, got -5",
    "limits: {macs: 1.5}": "limits: macs: expected a whole number above 0 such as 5_000_000 or 5M, got 1.5",
    "limits: {macs: .inf}": "limits: macs: expected a whole number above 0 such as 5_000_000 or 5M, got inf",
    "limits: {macs: .nan}": "limits: macs: expected a whole number above 0 such as 5_000_000 or 5M, got nan",
    "limits: {macs: true}": "limits: macs: expected a whole number above 0 such as 5_000_000 or 5M, got true",
    "limits: {macs: many}": "limits: macs: expected a whole number above 0 such as 5_000_000 or 5M, got many",
    "limits: {macs: }": "limits: macs: expected a whole number above 0 such as 5_000_000 or 5M, got None",
}
BAD_HYPERPARAMETERS = {
    "blcks: 3": "blcks: unknown hyperparameter, did you mean 'blocks'?",
    "filters_2: {choice: [8]}": "filters_2: unknown hyperparameter, did you mean 'filters'?",
    "filters_9: 32": "filters_9: has no effect: blocks is at most 3",
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
    "learning_rate: {int: [1, 2]}": "learning_rate: int: does not suit learning_rate; write float: [...]",
    "blocks: {float: [1, 2]}": "blocks: float: does not suit blocks; write int: [...]",
    "pool: {int: [1, 2]}": "pool: int: does not suit pool; write choice: [...]",
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
    "filters: [32, 64]": "filters: expected a list of 3, one for each of blocks, got a list of 2",
    "blocks: 2, filters: [32, 64, 32]": "filters: expected a list of 2, one for each of blocks, got a list of 3",
    "dropout: [0.1]": "dropout: expected one value, got a list of 1",
    "filters: {choice: [8], per: pool}": "filters: per: expected blocks or convs, got pool",
    "filters: {choice: [8], per: }": "filters: per: expected blocks or convs, got None",
    "filters: [[8], [8], [8, 8]]": "filters: expected a list of 1, one for each of convs_3, got a list of 2",
    "convs: [1, 2, 1], filters: [8, [8], 8]": "filters: expected a list of 2, one for each of convs_2, got a list of 1",
    "family: plain": "family: belongs beside hyperparameters; write 'family: ...' above them",
    "dropout: {choice: [0.1], per: fc_layers}": "dropout: per: dropout is not repeated; leave it out, got fc_layers",
    "filters: {choice: [8], when: pool}": "filters: when: expected 'name: value' entries, got pool",
    "filters: {choice: [8], when: {pol: max}}": "filters: when: pol: unknown hyperparameter, did you mean 'pool'?",
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


@pytest.mark.parametrize("line", BAD)
def test_a_bad_file_is_refused_in_one_line(write, line):
    assert refused(write(f"family: plain\n{line}\n")).startswith(BAD[line])


@pytest.mark.parametrize("line", BAD_FAMILIES)
def test_a_bad_family_is_refused_in_one_line(write, line):
    assert refused(write(f"{line}\n")).startswith(BAD_FAMILIES[line])


@pytest.mark.parametrize("entries", BAD_HYPERPARAMETERS)
def test_a_bad_hyperparameter_is_refused_in_one_line(write, entries):
    message = refused(write(f"family: plain\nhyperparameters: {{{entries} }}\n"))
    assert message.startswith(f"hyperparameters.{BAD_HYPERPARAMETERS[entries]}")


@pytest.mark.parametrize("entries", CYCLES)
def test_a_cycle_is_refused_with_its_path(write, entries):
    message = refused(write(f"family: plain\nhyperparameters: {{{entries}}}\n"))
    assert message.startswith("hyperparameters: conditions form a cycle: ")
    assert any(path in message for path in CYCLES[entries])


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
    entries = "blocks: {int: [1, 2]}, filters: {choice: [8, 16], per: blocks}"
    text = f"family: plain\nhyperparameters: {{{entries}}}\nstart_from: [{{blocks: 1}}, {point}]\n"
    assert refused(write(text)).startswith(f"start_from, point 2: {message}")
