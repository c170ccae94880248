"""A model as a flat list of steps."""

import keras
import numpy as np
import pytest

from pipeline.explain.graph import Graph, Slot, Step, flatten
from pipeline.training.keras_model import has_graph
from tests.explain.nets import nested


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return nested()


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(0).random((2, 8, 8, 1), np.float32)


def to_numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_the_steps_do_what_the_nested_model_does(model, image):
    graph = flatten(model)
    tensors = graph.run(keras.ops.convert_to_tensor(image))
    np.testing.assert_allclose(to_numpy(tensors[graph.output]), model.predict_on_batch(image), rtol=1e-5)
    assert not any(has_graph(step.operation) for step in graph.steps)


def test_layers_keep_their_names_where_these_tell_them_apart(model):
    names = [step.name for step in flatten(model).steps]
    assert len(set(names)) == len(names)
    assert {"conv", "end/conv", "middle/shared", "middle/shared#2", "sum", "both", "relu", "dense"} <= set(names)


def test_another_tensor_in_a_slot_changes_its_dependents_alone(model, image):
    graph = flatten(model)
    tensors = graph.run(keras.ops.convert_to_tensor(image))
    slot = next(step.outputs[0] for step in graph.steps if step.name == "sum")
    unchanged = graph.rerun(tensors, slot, tensors[slot])
    np.testing.assert_allclose(to_numpy(unchanged[graph.output]), to_numpy(tensors[graph.output]), rtol=1e-6)
    other = graph.rerun(tensors, slot, tensors[slot] + 1)
    changed = {number for number in tensors if other[number] is not tensors[number]}
    assert graph.output in changed
    assert changed == {slot, *(number for step in graph.dependents(slot) for number in step.outputs)}
    assert [step.name for step in graph.dependents(slot)][:2] == ["both", "end/conv"]


def test_one_tensor_is_the_same_with_the_others_dropped(model, image):
    graph = flatten(model)
    tensors = graph.run(keras.ops.convert_to_tensor(image))
    for step in graph.steps:
        tensor = graph.compute(keras.ops.convert_to_tensor(image), step.outputs[0])
        np.testing.assert_array_equal(to_numpy(tensor), to_numpy(tensors[step.outputs[0]]))


def test_no_step_runs_behind_the_tensor_that_is_computed():
    first, ran = Step("first", float, (Slot(0),), {}, (0,), (1,)), []
    graph = Graph((first, Step("last", ran.append, (Slot(1),), {}, (1,), (2,))), 2)
    assert (graph.compute(3, 0), graph.compute(3, 1), ran) == (3, 3.0, [])
