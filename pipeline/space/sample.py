"""Random points of a space, for questions about the space itself: how large its networks are, whether any fits."""

import random
from collections.abc import Iterator

from pipeline.hyperparameter import Scalar
from pipeline.space.space import Space


def sample(space: Space, seed: int = 0) -> Iterator[dict[str, Scalar]]:
    """Points drawn at random, each hyperparameter evenly from its domain; an endless iterator, equal for equal seeds.

    A search draws with its sampler instead, which learns from the trials.

    >>> from pipeline.space.load import load
    >>> next(sample(load("grid")))["learning_rate"]
    0.003
    """
    generator = random.Random(seed)
    while True:
        yield space.draw(lambda key, domain: domain.at(generator.random()))
