"""``convtune spaces``."""

import json

import pytest

from pipeline.cli import main
from pipeline.job.parsers import parse_attempt
from pipeline.report.space_tables import hyperparameter_rows
from pipeline.space import available, complete, enumeration, load

MINE = """\
# mine
family: plain
hyperparameters:
  blocks:        {int: [1, 2]}
  filters:       {choice: [8, 16], per: blocks}
  pool_size:     {choice: [2, 3], when: {pool: [max]}}
  learning_rate: {float: [1e-4, 1e-1], log: true}
  batch_size:    32
start_from:
  small: {blocks: 2, filters: [8, 16], learning_rate: 3e-3}
limits: {parameters: 1_000_000}
"""


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch):
    """80 columns and no colours, whatever the tests are run from."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("FORCE_COLOR", raising=False)


@pytest.fixture
def mine(tmp_path):
    """The path of a space file."""
    path = tmp_path / "mine.yaml"
    path.write_text(MINE)
    return str(path)


def test_list_has_one_line_per_space(capsys):
    assert main(["spaces"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [name for name, _ in available()]
    for line, (_, description) in zip(lines, available(), strict=True):
        assert line.endswith(description)


def test_list_says_how_large_a_space_is(capsys):
    main(["spaces"])
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert f" {enumeration.size(load('grid'))} points " in lines["grid"]
    assert " continuous " in lines["plain"]


def test_show_prints_range_condition_default_and_points(mine, capsys):
    assert main(["spaces", "show", mine]) == 0
    rows = {line.split()[0]: " ".join(line.split()) for line in capsys.readouterr().out.splitlines() if line}
    assert rows["blocks"] == "blocks 1 to 2 3 2"
    assert rows["filters"] == "filters 8, 16 per blocks 32 2"
    assert rows["pool_size"] == "pool_size 2, 3 when pool is max 2 2"
    assert rows["learning_rate"] == "learning_rate 0.0001 to 0.1 (log) 0.001 continuous"
    assert rows["batch_size"] == "batch_size 32 fixed 64 1"


def test_show_prints_size_limits_and_first_points(mine, capsys):
    main(["spaces", "show", mine])
    out = capsys.readouterr().out
    assert out.startswith("Space mine: continuous\n")
    assert "Limits: parameters up to 1,000,000\n" in out
    first = out.split("Tried first:\n")[1]
    assert first.startswith("small  blocks=2, ")
    assert "filters=[8,16]" in first
    assert "batch_size" not in first


def test_what_is_printed_of_a_point_can_be_tried_as_it_stands(tmp_path, capsys):
    path = tmp_path / "nested.yaml"
    path.write_text(
        "family: plain\nhyperparameters: {convs: {int: [1, 3], per: blocks}, kernel: {choice: [3, 5], per: convs},\n"
        "  filters: {choice: [8, 16], per: convs}, dropout: {float: [0.0, 0.5]}}\n"
        "start_from: {it: {convs: [1, 1, 3], kernel: [[5], [3], [3, 5, 5]], filters: 16, dropout: 0.123456}}\n"
    )
    main(["spaces", "show", str(path)])
    printed = " ".join(capsys.readouterr().out.split("Tried first:\n")[1].split()).removeprefix("it ")
    assert printed == "convs=[1,1,3], dropout=0.123456, filters=16, kernel=[5,3,[3,5,5]]"
    assert complete(load(str(path)), parse_attempt(printed)) == complete(load(str(path)), "it")


def test_show_counts_the_points_of_a_finite_space(capsys):
    main(["spaces", "show", "grid"])
    assert capsys.readouterr().out.startswith(f"Space grid: {enumeration.size(load('grid'))} points\n")


def test_show_gives_the_order_of_size_of_what_nobody_counts(tmp_path, capsys):
    (tmp_path / "vast:cat:\x1b[31m.yaml").write_text(
        "family: plain\nhyperparameters: {filters: {int: [1, 10_000], per: blocks}}\n"
    )
    main(["spaces", "show", str(tmp_path / "vast:cat:\x1b[31m.yaml")])
    assert capsys.readouterr().out.startswith("Space vast:cat:\\x1b[31m: about 1.0e+12 points\n")


@pytest.mark.parametrize("name", [name for name, _ in available()])
def test_show_fits_80_columns(name, capsys):
    main(["spaces", "show", name])
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    for row in hyperparameter_rows(load(name)):
        assert row["hyperparameter"] in out
    assert "\x1b" not in out
    assert "…" not in out


def test_json_of_a_space(mine, capsys):
    assert main(["spaces", "show", mine, "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert (content["name"], content["points"]) == ("mine", None)
    assert [row["hyperparameter"] for row in content["hyperparameters"]] == [
        entry.name for entry in load(mine).searched
    ]
    assert content["constants"] == {"family": "plain", "batch_size": 32}
    assert content["limits"] == {"parameters": 1_000_000}
    assert content["start_from"]["small"]["filters_2"] == 16


def test_json_has_the_number_of_points(capsys):
    main(["spaces", "show", "grid", "--json"])
    assert json.loads(capsys.readouterr().out)["points"] == enumeration.size(load("grid"))


def network(mine, capsys, *flags):
    assert main(["spaces", "show", mine, *flags, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_start_point_is_shown_layer_by_layer(mine, capsys):
    assert main(["spaces", "show", mine, "--point", "small", "--image", "28x28x1", "--classes", "10"]) == 0
    table, totals = capsys.readouterr().out.split("\n\n")
    lines = [" ".join(line.split()) for line in table.splitlines()]
    assert lines[0] == "layer op output parameters MACs receptive field"
    assert lines[1] == "block1_conv1 conv 3x3, 8, no bias 28x28x8 72 56,448 3"
    assert lines[-1] == "logits dense 10 10 1,290 1,280 image"
    totals = {line[:15].strip(): line[15:].strip() for line in totals.splitlines()}
    layers = network(mine, capsys, "--point", "small", "--image", "28x28x1", "--classes", "10")["layers"]
    assert totals["image"] == "28x28x1, 10 classes"
    assert totals["parameters"] == f"{sum(layer['parameters'] for layer in layers):,} trainable, 48 not"
    assert totals["MACs"] == f"{sum(layer['macs'] for layer in layers):,}"
    assert totals["receptive field"] == str(max(layer["receptive_field"] or 1 for layer in layers))
    assert totals["training memory"].endswith(" MB at batch size 32")


def test_a_network_as_json(mine, capsys):
    content = network(mine, capsys, "--point", "blocks=1,filters=[8]", "--image", "6x7", "--classes", "5")
    assert content["layers"][0] == {
        "name": "block1_conv1",
        "op": "conv 3x3, 8, no bias",
        "shape": [6, 7, 8],
        "parameters": 3 * 9 * 8,
        "macs": 6 * 7 * 3 * 9 * 8,
        "receptive_field": 3,
    }
    assert content["layers"][-1]["receptive_field"] is None
    assert (content["image"], content["classes"], content["batch_size"]) == ([6, 7, 3], 5, 32)
    assert (content["non_trainable"], content["receptive_field"]) == (16, 4)
    assert content["params"]["blocks"] == 1
    assert content["memory"] > 4 * content["parameters"]


@pytest.mark.parametrize(("designed_for", "side"), [("0", 224), ("40", 40)])
def test_a_network_is_shown_on_the_images_that_it_was_designed_for(tmp_path, capsys, designed_for, side):
    (tmp_path / "one.yaml").write_text(f"family: plain\nhyperparameters: {{designed_for: {designed_for}}}\n")
    content = network(str(tmp_path / "one.yaml"), capsys, "--point", "blocks=3")
    assert (content["image"], content["classes"]) == ([side, side, 3], 1000)


def test_a_network_over_a_limit_is_shown_all_the_same(mine, capsys):
    assert network(mine, capsys, "--point", "small", "--image", "96")["parameters"] > 1_000_000


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--point", "smal"], "--point: space mine: unknown start point smal, did you mean 'small'?"),
        (["--point", "blocks=9"], "--point: space mine: blocks: 9 is outside 1 to 2"),
        (["--point", ""], "--point: expected name=value"),
        (["--point", "small", "--image", "2x2x1"], "--point: block2_pool: pool 2x2 does not fit its 1x1 map; change"),
        (["--classes", "5"], "--classes: says how large the network of a --point is"),
    ],
)
def test_a_network_that_cannot_be_shown_is_one_line(mine, capsys, flags, message):
    assert main(["spaces", "show", mine, *flags]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"convtune: {message}")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--image", "28x28x2"], "--image: expected height x width x channels (1 or 3) such as 28x28x1, got '28x28x2'"),
        (["--image", "0"], "--image: expected height x width x channels (1 or 3) such as 28x28x1, got '0'"),
        (["--classes", "1"], "--classes: expected a whole number from 2, got '1'"),
    ],
)
def test_an_invalid_flag_is_one_line(mine, capsys, flags, message):
    with pytest.raises(SystemExit) as end:
        main(["spaces", "show", mine, "--point", "small", *flags])
    out, err = capsys.readouterr()
    assert (end.value.code, out) == (2, "")
    assert err.startswith("convtune spaces show: ")
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("space", ["nix", "nix.yaml"])
def test_an_unknown_space_is_one_line(space, capsys):
    assert main(["spaces", "show", space]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert space in err
    assert err.count("\n") == 1
