from itertools import islice

import pytest

from pipeline.space import available, complete, load
from pipeline.space.sample import sample
from tests.spaces import CONTINUOUS, GRID, space


def test_draws_are_points_of_the_space_and_differ(tmp_path):
    drawn = list(islice(sample(space(tmp_path, CONTINUOUS)), 30))
    assert all(complete(space(tmp_path, CONTINUOUS), params) == params for params in drawn)
    assert {params["blocks"] for params in drawn} == {1, 2, 3}
    assert len({params["learning_rate"] for params in drawn}) == 30


def test_equal_seeds_draw_equally(tmp_path):
    grid = space(tmp_path, GRID)
    first, again, other = (list(islice(sample(grid, seed), 20)) for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize("name", [name for name, _ in available()])
def test_every_shipped_space_can_be_drawn_from(name):
    assert len(list(islice(sample(load(name)), 5))) == 5
