import time

import keras
import numpy as np
import pytest

from pipeline.training.epochs import Epochs
from pipeline.trial import Answer, State, Trial

IMAGES, LABELS = np.ones((8, 4), np.float32), np.arange(8) % 2


@pytest.fixture
def model():
    made = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, "softmax")])
    made.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return made


@pytest.mark.parametrize("answer", [Answer.PRUNE, Answer.END])
def test_what_has_ended_a_trial_ends_every_further_fit_after_its_first_batch(model, answer):
    reports = []
    epochs = Epochs(Trial(7, {}, 0, 5), lambda report: reports.append(report) or answer, time.monotonic())
    for _ in range(3):
        model.fit(IMAGES, LABELS, 2, epochs=5, verbose=0, callbacks=[epochs], validation_data=(IMAGES, LABELS))
    assert int(model.optimizer.iterations) == 4 + 1 + 1
    outcome = epochs.outcome()
    assert (outcome.number, outcome.state, outcome.reason) == (7, State.PRUNED, "stopped after epoch 1 of 5")
    assert outcome.history == tuple(reports)


def test_the_epochs_of_several_fits_are_counted_on_to_those_of_the_trial(model):
    epochs = Epochs(Trial(7, {}, 0, 3), lambda report: Answer.GO, time.monotonic())
    for _ in range(3):
        model.fit(IMAGES, LABELS, 8, epochs=2, verbose=0, callbacks=[epochs], validation_data=(IMAGES, LABELS))
    outcome = epochs.outcome()
    assert (outcome.state, [report.epoch for report in outcome.history]) == (State.COMPLETE, [1, 2, 3])
