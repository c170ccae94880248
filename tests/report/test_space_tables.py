import json
import random

import pytest

from pipeline.job.parsers import parse_attempt
from pipeline.report.space_tables import format_point, hyperparameter_rows
from pipeline.space import available, complete, load
from tests.space.made_up import building
from tests.spaces import space

GAPS = """\
family: plain
hyperparameters:
  blocks:    {int: [1, 4]}
  convs:     {int: [1, 3], per: blocks}
  pool:      {choice: [none, max], per: blocks}
  pool_size: {choice: [2, 3], per: blocks, when: {pool: max}}
  kernel:    {choice: [3, 5], per: convs, when: {pool: max}}
  kernel_2:  5
  fc_layers: {int: [0, 2]}
  fc_width:  {choice: [32, 64], per: fc_layers}
  flip:      {choice: [false, true]}
"""


def test_where_only_some_repetitions_are_drawn_each_has_its_name(tmp_path):
    gaps = space(tmp_path, GAPS)
    given = {"blocks": 3, "pool": ["none", "max", "max"], "pool_size_2": 2, "pool_size_3": 3, "fc_layers": 0}
    assert format_point(gaps, complete(gaps, given)) == (
        "blocks=3, fc_layers=0, flip=false, convs=1, pool=[none,max,max], kernel=3, pool_size_2=2, pool_size_3=3"
    )


@pytest.mark.parametrize("name", [*(name for name, _ in available()), "gaps"])
def test_any_point_can_be_tried_as_it_is_printed(name, tmp_path):
    searched_space, dice = space(tmp_path, GAPS) if name == "gaps" else load(name), random.Random(0)
    for _ in range(100):
        point = searched_space.draw(lambda _, domain: roll(dice, domain))
        assert complete(searched_space, parse_attempt(format_point(searched_space, point))) == point


def roll(dice, domain):
    """A value of any domain."""
    return dice.uniform(domain.low, domain.high) if domain.count() is None else dice.choice([*domain.values()])


POOLS = """\
family: plain
hyperparameters:
  pool:          {choice: [none, max], per: blocks}
  pool_size:     {int: [2, 3], per: blocks, when: {pool: max}}
  learning_rate: {float: [1e-3, 0.1], log: true}
  flip:          true
"""


def test_rows_say_what_a_person_wants_to_know(tmp_path):
    rows = {row["hyperparameter"]: row for row in hyperparameter_rows(space(tmp_path, POOLS))}
    assert rows["pool_size"]["condition"] == "per blocks, when pool is max"
    assert (rows["pool_size"]["range"], rows["pool_size"]["points"], rows["pool_size"]["default"]) == ("2 to 3", 2, 2)
    assert (rows["learning_rate"]["range"], rows["learning_rate"]["points"]) == ("0.001 to 0.1 (log)", None)
    assert (rows["flip"]["range"], rows["flip"]["condition"], rows["flip"]["points"]) == ("true", "fixed", 1)
    assert json.dumps(rows)


def test_rows_say_which_families_know_a_hyperparameter():
    conditions = {row["hyperparameter"]: row["condition"] for row in hyperparameter_rows(building())}
    assert conditions["family"] == conditions["norm"] == ""
    assert conditions["size"] == "per floors, when family is tall"
    assert conditions["arms"] == "when family is wide or odd"
    assert conditions["twist"] == "when family is odd, when arms is 2"
    assert (conditions["reach_1"], conditions["batch_size"]) == ("fixed, when family is wide", "fixed")
