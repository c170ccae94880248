"""A storage, its next trial, and listeners, without the loop around them."""

import time
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


class Diary:
    """A listener that writes down what it hears."""

    def __init__(self):
        self.lines = []

    def trial_started(self, record):
        self.lines.append(("began", record.number))

    def epoch_ended(self, record, report):
        assert (record.number, record.result.epochs) == (report.number, report.epoch)
        self.lines.append(("reported", report.number, report.epoch))

    def progressed(self, record, report):
        assert record.number == report.number
        self.lines.append(("progressed", report.number, report.batch))

    def trial_ended(self, record):
        self.lines.append(("ended", record.number, record.state))


class Times(Diary):
    """Notes when trials are first heard of, and when they end (monotonic seconds)."""

    def __init__(self):
        super().__init__()
        self.heard, self.ended = {}, {}

    def epoch_ended(self, record, report):
        self.heard.setdefault(record.number, time.monotonic())

    def trial_ended(self, record):
        self.ended[record.number] = time.monotonic()
