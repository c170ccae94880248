import optuna
import pytest

from pipeline.search.samplers import SAMPLERS
from tests.spaces import space

CONDITIONAL = """
family: plain
hyperparameters:
  blocks: {int: [1, 3]}
  filters: {choice: [4, 8], per: blocks}
  learning_rate: {float: [1e-3, 1e-1], log: true}
"""


@pytest.fixture
def jointly(tmp_path):
    """The names of the parameters that a search draws together after trials of one, two and three blocks."""

    def names(search):
        sampler = SAMPLERS[search].plan(space(tmp_path, CONDITIONAL), 0).sampler
        study = optuna.create_study(direction="maximize")
        for blocks in (1, 2, 3):
            values = {"blocks": blocks, "learning_rate": 0.01} | {f"filters_{i}": 4 for i in range(1, blocks + 1)}
            domains = {name: domain(name) for name in values}
            study.add_trial(optuna.trial.create_trial(params=values, distributions=domains, value=0.5))
        return set(sampler.infer_relative_search_space(study, study.get_trials()[-1]))

    return names


def domain(name):
    if name == "blocks":
        return optuna.distributions.IntDistribution(1, 3)
    if name == "learning_rate":
        return optuna.distributions.FloatDistribution(1e-3, 1e-1, log=True)
    return optuna.distributions.CategoricalDistribution([4, 8])


def test_a_bayesian_search_draws_parameters_jointly_also_those_that_only_some_trials_have(jointly):
    assert jointly("bayesian") >= {"blocks", "learning_rate", "filters_1", "filters_2", "filters_3"}


def test_a_random_search_draws_each_by_itself(jointly):
    assert jointly("random") == set()
