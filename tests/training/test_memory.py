import gc
import weakref

import keras
import numpy as np
import pytest

from pipeline.study.trial import Decision
from pipeline.training.memory import forget_models
from tests.training.test_fit import make_task


def trained() -> keras.Model:
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4), keras.layers.Softmax()])
    model.compile("sgd", keras.losses.CategoricalCrossentropy(from_logits=True))
    model.fit(np.zeros((8, 8)), np.eye(4)[[0, 1, 2, 3] * 2], verbose=0)
    return model


def graphs() -> int:
    gc.collect()
    return sum(type(thing).__name__ == "FuncGraph" for thing in gc.get_objects())


def test_a_trained_model_leaves_no_graph_behind():
    with forget_models():
        trained()
    before = graphs()
    for _ in range(3):
        with forget_models():
            gone = weakref.ref(trained())
    assert graphs() <= before
    gc.collect()
    assert gone() is None


def test_trials_leave_no_graph_behind(tmp_path):
    make_task(tmp_path, epochs=1).run(lambda report: Decision.CONTINUE)
    before = graphs()
    for _ in range(2):
        make_task(tmp_path, epochs=1).run(lambda report: Decision.CONTINUE)
    assert graphs() <= before


def test_what_was_there_before_is_left_alone():
    outside = trained()
    with forget_models():
        trained()
    outside.fit(np.zeros((8, 8)), np.eye(4)[[0, 1, 2, 3] * 2], verbose=0)


def test_it_forgets_after_an_error_too():
    before = graphs()

    def fails():
        with forget_models():
            trained()
            raise RuntimeError("no luck")

    for _ in range(2):
        with pytest.raises(RuntimeError, match="no luck"):
            fails()
    assert graphs() <= before + 4
