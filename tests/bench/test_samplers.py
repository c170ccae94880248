import pytest
import samplers
from hypothesis import given
from hypothesis import strategies as st

from pipeline.search.samplers import SAMPLERS
from pipeline.space import points

POINT = {"blocks": 1, "filters_1": 16, "norm": "none", "optimizer": "sgd", "schedule": "constant"}
KEY = "1 16 - - none sgd constant"


@pytest.fixture(scope="module")
def table():
    """One point, whose two accuracies grow by 0.1 from each learning rate to the next."""
    return samplers.Table({f"{KEY} {rate}": [0.1 * step, 0.2 * step] for step, rate in enumerate(samplers.RATES)})


def test_a_recorded_rate_has_its_own_curve(table):
    for step, rate in enumerate(samplers.RATES):
        assert table.curve(POINT | {"learning_rate": rate}) == pytest.approx([0.1 * step, 0.2 * step])
    assert table.best == 1.0


@given(rate=st.floats(samplers.RATES[0], samplers.RATES[-1]), other=st.floats(samplers.RATES[0], samplers.RATES[-1]))
def test_between_recorded_rates_a_curve_is_between_theirs(table, rate, other):
    low, high = sorted((rate, other))
    (first, last), (first_of_high, last_of_high) = (table.curve(POINT | {"learning_rate": one}) for one in (low, high))
    assert last == pytest.approx(2 * first)
    assert 0 <= first <= first_of_high + 1e-9 <= last_of_high + 1e-9 <= table.best + 2e-9


def test_the_space_that_is_searched_has_the_points_of_the_table():
    recorded = list(points(samplers.space_with(f"{{choice: {list(samplers.RATES)}}}")))
    assert len({(*samplers.point_of(params), params["learning_rate"]) for params in recorded}) == len(recorded) == 672


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_one_of_the_settings_is_the_one_that_is_shipped():
    """The label in the table says which."""
    shipped = SAMPLERS["bayesian"].plan(samplers.space_with("0.1"), 0).sampler
    compared = samplers.SAMPLERS["grouped (as shipped)"](0)
    for name in ("_multivariate", "_group", "_constant_liar", "_n_startup_trials"):
        assert getattr(shipped._sampler, name) == getattr(compared._sampler, name)
