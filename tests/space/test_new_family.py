"""A new family is one file and one line of the table: everything else follows from its hyperparameters."""

import json

import jsonschema
import pytest

from pipeline.architecture import FAMILIES
from pipeline.candidate import judge
from pipeline.cli import main
from pipeline.errors import SpaceError
from pipeline.schema import space_schema
from pipeline.space import complete, enumeration, fix
from pipeline.yaml_file import read_mapping
from tests.space.tiny_family import TINY
from tests.spaces import space

ALONE = """
family: tiny
hyperparameters:
  rings: {int: [1, 2]}
  ring_width: {choice: [4, 8], per: rings}
start_from: {wide: {rings: 2, ring_width: [8, 8]}}
"""

BESIDE_PLAIN = """
family: {choice: [plain, tiny]}
hyperparameters:
  rings: {int: [1, 2]}
  blocks: {int: [1, 3]}
  norm: {choice: [none, batch]}
"""


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    """The one line."""
    monkeypatch.setitem(FAMILIES, "tiny", TINY)


def test_its_spaces_are_loaded_counted_and_completed(tmp_path):
    tiny = space(tmp_path, ALONE)
    assert [entry.name for entry in tiny.searched] == ["rings", "ring_width"]
    assert enumeration.size(tiny) == len(list(enumeration.points(tiny))) == 2 + 4
    assert complete(tiny, "wide") == {"family": "tiny", "rings": 2, "ring_width_1": 8, "ring_width_2": 8}
    assert enumeration.size(fix(tiny, {"rings": 1})) == 2
    with pytest.raises(SpaceError, match="ring_width_2: has no effect here: rings is 1"):
        complete(tiny, {"rings": 1, "ring_width_2": 8})


def test_it_can_be_searched_beside_others(tmp_path):
    both = space(tmp_path, BESIDE_PLAIN)
    assert enumeration.size(both) == 2 * (2 + 3)
    assert {key for point in enumeration.points(both) for key in point} == {"family", "rings", "blocks", "norm"}
    assert not any({"rings", "blocks"} <= point.keys() for point in enumeration.points(both))


def test_its_points_become_candidates_with_costs(tmp_path):
    tiny = space(tmp_path, ALONE, "limits: {parameters: 2_000}\n")
    feasible = judge(tiny, complete(tiny, {"rings": 1}), (8, 8, 1), 2)
    over = judge(tiny, complete(tiny, "wide"), (8, 8, 3), 200)
    assert feasible.candidate.costs["parameters"] == 8 * 9 + 2 * 8 + 8 * 2 + 2
    assert "parameters" in over.reason


def test_editors_and_the_command_show_it(tmp_path, capsys):
    path = tmp_path / "mine.yaml"
    path.write_text(ALONE)
    schema = space_schema()
    jsonschema.Draft202012Validator(schema).validate(read_mapping(path, SpaceError))
    assert "filters of a convolution" in schema["$defs"]["hyperparameter_ring_width"]["description"]
    assert main(["spaces", "show", str(path), "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert [row["hyperparameter"] for row in content["hyperparameters"]] == ["rings", "ring_width"]
    assert main(["spaces", "show", str(path), "--point", "wide", "--image", "8x8x1"]) == 0
    assert "ring2" in capsys.readouterr().out


def test_without_the_line_it_is_unknown(tmp_path, monkeypatch):
    monkeypatch.delitem(FAMILIES, "tiny")
    with pytest.raises(SpaceError, match="family: unknown family tiny"):
        space(tmp_path, ALONE)
