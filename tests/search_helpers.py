"""A ledger and its next trial, without the loop around them."""

from functools import partial

from pipeline.search.candidate import judge
from pipeline.search.ledger import Ledger
from pipeline.search.propose import Proposer
from pipeline.search.searches import SEARCHES

SHAPE, CLASSES = (16, 16, 1), 3


def ledger(folder, space, pruner="none", epochs=4, objective=("accuracy",)):
    return Ledger(folder / "optuna.db", space, pruner, epochs, objective)


def judging(space):
    """What judges values of the space for small images."""
    return partial(judge, space, shape=SHAPE, classes=CLASSES)


def begin(book, space, search="random"):
    """The next trial and its candidate."""
    found = SEARCHES[search](space, book.proposals)
    return next(filter(None, Proposer(space, found, book, judging(space), 0).proposals(4)))
