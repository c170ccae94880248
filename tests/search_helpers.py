"""A ledger and its next trial, without the loop around them."""

from pipeline.search.ledger import Ledger
from pipeline.search.propose import Proposer
from pipeline.search.searches import SEARCHES

SHAPE, CLASSES = (16, 16, 1), 3


def ledger(folder, space, pruner="none", epochs=4):
    return Ledger(folder / "optuna.db", space, pruner, epochs)


def begin(book, space, search="random"):
    """The next trial and its candidate."""
    found = SEARCHES[search](space, book.proposals)
    begun = Proposer(space, found, book, SHAPE, CLASSES, 0).next(4)
    assert begun is not None
    return begun
