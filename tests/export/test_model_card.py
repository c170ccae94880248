"""The model card."""

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
        "on 500 validation images of my\\_pets and compared",
        "    convtune tune --data 'my pets'",
    ],
)
def test_what_it_says(card, text):
    assert text in card


def test_all_rows_of_a_table_have_as_many_cells(card):
    for block in card.split("\n\n"):
        if block.startswith("|"):
            assert len({line.replace("\\|", "").count("|") for line in block.splitlines()}) == 1


def test_a_model_without_its_study_and_data():
    alone = facts(evaluation=None, measured_on="its data was not at hand", params={}, search="", command="")
    card = model_card(METADATA, alone, RESULTS[:1], "100 images of random pixels")
    assert "Not measured: its data was not at hand." in card
    assert "Params" not in card
    assert "convtune tune" not in card
