"""A model of any format that is run in a worker."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import ModelError
from pipeline.study.model_metadata import ModelMetadata
from pipeline.training.runnable_model import RunnableModel

METADATA = ModelMetadata(("a", "b"), (8, 8, 1), "digits", "d", 0, "s", 1)
IMAGES = np.zeros((3, 8, 8, 1), np.uint8)


def model(answer):
    """A model that calls ``answer`` with the images."""
    return RunnableModel(Path("m.xyz"), lambda file: answer, METADATA)


def test_any_runtime_will_do():
    probabilities = model(lambda images: [[0.25, 0.75]] * len(images)).open()(IMAGES)
    assert probabilities.dtype == np.float32
    np.testing.assert_array_equal(probabilities, [[0.25, 0.75]] * 3)


def raises(error):
    def function(*args):
        raise error

    return function


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda images: np.zeros((3, 4)), r"expected a model with 2 outputs, one per class of its metadata, got.*4"),
        (lambda images: np.zeros((1, 2)), "expected a model with 2 outputs"),
        (lambda images: np.full((3, 2), np.nan), "expected probabilities, but the model gives NaN"),
        (raises(OSError("bad\nop")), "the model does not take these images: OSError: bad$"),
    ],
)
def test_an_answer_that_is_none_is_one_line(answer, message):
    with pytest.raises(ModelError, match=rf"^m\.xyz: {message}"):
        model(answer).open()(IMAGES)


def test_a_file_that_the_runtime_cannot_load_is_one_line():
    with pytest.raises(ModelError, match=r"^m\.xyz: this model cannot be loaded: RuntimeError: no such op$"):
        RunnableModel(Path("m.xyz"), raises(RuntimeError("no such op")), METADATA).open()
    with pytest.raises(ModelError, match=r"^in its own words$"):
        RunnableModel(Path("m.xyz"), raises(ModelError("in its own words")), METADATA).open()
