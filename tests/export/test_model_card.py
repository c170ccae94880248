"""The model card."""

from importlib.metadata import version

import numpy as np
import pytest

from pipeline.export import ExportResult
from pipeline.export.model_card import CardFacts, model_card
from pipeline.metrics.evaluation import evaluate
from pipeline.study.model_metadata import ModelMetadata

METADATA = ModelMetadata(("cat", "a|b `c`"), (48, 64, 3), "my_pets", "d41d8c", seed=7, study="pets", trial=3)
RESULTS = [
    ExportResult("onnx", "model.onnx", 1_230_000, 500, 1.2e-6, 1.0, 0.91, 0.91),
    ExportResult("litert-int8", "model_int8.tflite", 330_000, 500, 0.03, 0.994, 0.907, 0.91),
]


def facts(**changes):
    labels = np.array([0, 0, 0, 1, 1])
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.2, 0.8], [0.1, 0.9]], np.float32)
    values = {
        "evaluation": evaluate(labels, probabilities, METADATA.classes).as_dict(),
        "measured_on": "the 5 test images of my_pets",
        "params": {"blocks": 3, "learning_rate": 0.01},
        "search": "The study had 30 trials of the space plain (bayesian search).",
        "command": "convtune tune --data 'my pets'",
        "versions": {"python": "3.11.7", "keras": "3.15.1"},
    }
    return CardFacts(**values | changes)


@pytest.fixture
def card():
    return model_card(METADATA, facts(), RESULTS, "500 validation images of my_pets")


def test_its_headings(card):
    headings = [line for line in card.splitlines() if line.startswith("#")]
    assert headings == [
        "# Image classifier for my\\_pets: 2 classes",
        "## How good it is",
        "## The files",
        "## Limits",
        "## How to make it again",
        "## Licence",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "digest `d41d8c`, split with seed 7",
        "Trial 3 of study pets. The study had 30 trials of the space plain (bayesian search).",
        "The network sees 64x48 pixels (width x height), RGB",
        "blocks = 3, learning\\_rate = 0.01",
        "Measured on the 5 test images of my\\_pets.",
        "| accuracy | 0.8000 |",
        "| a\\|b \\`c\\` | 2 | 0.667 | 1.000 | 0.800 |",
        "| `model.onnx` | 1.23 MB | float32, any size | 1e-06 | 100.00% | +0.0000 | `python predict_onnx.py IMAGE` |",
        "| `model_int8.tflite` | 0.33 MB | float32, one size | 0.03 | 99.40% | -0.0030 |",
        "on 500 validation images of my\\_pets, and compared",
        "    convtune tune --data 'my pets'\n\nThe study ran with python 3.11.7, keras 3.15.1.\n",
        f"Written by convtune {version('convtune')} with Keras",
        "Calibration: the mean confidence is 0.8200, which a well calibrated model has as accuracy; the expected calib",
        "error is 0.2600 (0 is best)",
        "## Limits\n\n- It gives every picture one of its classes",
    ],
)
def test_what_it_says(card, text):
    assert text in card


def test_all_rows_of_a_table_have_as_many_cells(card):
    for block in card.split("\n\n"):
        if block.startswith("|"):
            assert len({line.replace("\\|", "").count("|") for line in block.splitlines()}) == 1


def test_a_model_without_its_study_and_data():
    alone = CardFacts(None, "its data was not at hand")
    card = model_card(METADATA, alone, RESULTS[:1], "100 images of random pixels")
    assert "Not measured: its data was not at hand." in card
    assert "Params" not in card
    assert "convtune tune" not in card
    assert "Calibration" not in card
    assert "The study ran with" not in card
    assert "Its study was not at hand: `convtune export STUDY` writes the command" in card


def test_a_model_that_was_not_trained_to_its_end_says_so_among_its_limits(card):
    assert "It was trained" not in card
    short = model_card(METADATA, facts(caveat="trained for 3 of 10 epochs (time_up)"), RESULTS, "500 images")
    assert "\n- It was trained for 3 of 10 epochs (time\\_up).\n" in short.split("## Limits")[1]


def test_scores_of_other_images_are_no_test_scores():
    assert facts().test_scores == {}
    scores = facts(on_test=True).test_scores
    assert (scores["accuracy"], "top5_accuracy" in scores) == (0.8, False)
    assert facts(on_test=True, evaluation=None).test_scores == {}
