"""``convtune spaces``."""

import json

import pytest

from pipeline.cli import main
from pipeline.space import available, load

MINE = """\
# mine
family: plain
parameters:
  blocks:        {int: [1, 2]}
  filters:       {choice: [8, 16], per: blocks}
  pool_size:     {choice: [2, 3], when: {pool: [max]}}
  learning_rate: {float: [1e-4, 1e-1], log: true}
  batch_size:    32
start_from:
  - {blocks: 2, filters: [8, 16], learning_rate: 3e-3}
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


def test_list_has_one_line_a_space(capsys):
    assert main(["spaces"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [name for name, _ in available()]
    for line, (_, description) in zip(lines, available(), strict=True):
        assert line.endswith(description)


def test_list_says_how_large_a_space_is(capsys):
    main(["spaces"])
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert f" {load('grid').size()} points " in lines["grid"]
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
    assert out.startswith("Space mine, family plain: continuous\n")
    assert "Limits: at most 1,000,000 parameters\n" in out
    assert "filters=8,16" in out.split("Tried first:")[1]
    assert "batch_size" not in out.split("Tried first:")[1]


def test_show_counts_the_points_of_a_finite_space(capsys):
    main(["spaces", "show", "grid"])
    assert capsys.readouterr().out.startswith(f"Space grid, family plain: {load('grid').size()} points\n")


@pytest.mark.parametrize("name", [name for name, _ in available()])
def test_show_fits_80_columns(name, capsys):
    main(["spaces", "show", name])
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    for row in load(name).rows():
        assert row["parameter"] in out
    assert "\x1b" not in out
    assert "…" not in out


def test_json_of_a_space(mine, capsys):
    assert main(["spaces", "show", mine, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["name"], found["family"], found["points"]) == ("mine", "plain", None)
    assert [row["parameter"] for row in found["parameters"]] == [one.name for one in load(mine).parameters]
    assert found["constants"] == {"batch_size": 32}
    assert found["limits"] == {"parameters": 1_000_000}
    assert found["start_from"][0]["filters_2"] == 16


def test_json_has_the_number_of_points(capsys):
    main(["spaces", "show", "grid", "--json"])
    assert json.loads(capsys.readouterr().out)["points"] == load("grid").size()


@pytest.mark.parametrize("space", ["nix", "nix.yaml"])
def test_an_unknown_space_is_one_line(space, capsys):
    assert main(["spaces", "show", space]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert space in err
    assert err.count("\n") == 1
