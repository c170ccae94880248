"""A storage and its next trial, without the loop around them."""

from functools import partial

from pipeline.candidate import judge
from pipeline.metrics import METRICS
from pipeline.search.proposer import Proposer
from pipeline.search.pruners import PRUNERS
from pipeline.search.samplers import SAMPLERS
from pipeline.search.storage import StudyStorage
from pipeline.study.objective import Objective

SHAPE, CLASSES = (16, 16, 1), 3


def open_storage(folder, space, pruner="none", epochs=4, minimized=(), metric="accuracy", name="optuna.db"):
    return open_database(folder / name, space, pruner, epochs, minimized, metric)


def open_database(database, space, pruner="none", epochs=4, minimized=(), metric="accuracy"):
    return StudyStorage(database, space, PRUNERS[pruner], epochs, Objective(METRICS[metric], minimized))


def judging(space):
    """What judges params of the space for small images."""
    return partial(judge, space, shape=SHAPE, classes=CLASSES)


def begin(storage, space, sampler="random"):
    """The next trial and its candidate."""
    plan = SAMPLERS[sampler].plan(space, storage.proposals)
    accepted = next(filter(None, Proposer(space, plan, storage, judging(space), 0).proposals()))
    return accepted.record.trial, accepted.candidate
