"""Tables and sentences about measured models."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.metrics.evaluation import evaluate
from pipeline.metrics.mcnemar import McNemar
from pipeline.report.comparison_tables import agreement_table, conclusion, cost_table, legend
from pipeline.report.measured_model import Machine, MeasuredModel
from pipeline.training.measured_latency import Latency
from tests.report.test_evaluation_tables import rendered

PROBABILITIES = np.array([[0.75, 0.25]], np.float32)


def measured(file, size):
    latencies = Latency(1, 2.5, 3.25, 100), Latency(32, 20.0, 1021.5, 10)
    evaluation = evaluate(np.array([0]), PROBABILITIES, ("cat", "dog"))
    return MeasuredModel(Path(file), "keras", evaluation, PROBABILITIES, latencies, size)


def test_times_and_size_of_one_model():
    assert rendered(cost_table([measured("m.keras", 1_234_567)])) == [
        "1 image, median 2.50 ms",
        "1 image, 95th percentile 3.25 ms",
        "32 images, median 20.00 ms",
        "32 images, 95th percentile 1021.50 ms",
        "size of the model 1.23 MB",
    ]


def test_times_and_sizes_of_two():
    models = [measured("a\nb.keras", 10_000), measured("m.keras", 2_000_000)]
    lines = rendered(cost_table(models))
    assert (lines[0], lines[-1]) == ("first second", "size of the model 0.01 MB 2.00 MB")
    assert rendered(legend(models)) == ["first a\\nb.keras", "second m.keras"]


def test_a_long_path_is_folded_not_cut():
    path = "/".join(["folder"] * 30) + "/m.keras"
    (first, *more) = rendered(legend([measured(path, 1), measured("m.keras", 1)]))
    assert "".join([first.removeprefix("first "), *more[:-1]]) == path


def test_plain_values():
    plain = measured("m.keras", 2_500_000).as_dict()
    assert plain["megabytes"] == 2.5
    assert plain["latency"][1] == {"batch": 32, "p50_ms": 20.0, "p95_ms": 1021.5, "calls": 10}


@pytest.mark.parametrize(
    ("machine", "words"),
    [(Machine(1, 0), "1 core"), (Machine(16, 1), "16 cores and 1 GPU"), (Machine(8, 2), "8 cores and 2 GPUs")],
)
def test_the_machine(machine, words):
    assert str(machine) == words


def test_the_four_counts():
    assert rendered(agreement_table(McNemar(1234, 9, 1, 10))) == [
        "second right second wrong",
        "first right 1,234 9",
        "first wrong 1 10",
    ]


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        (
            (80, 9, 1, 10),
            "The first model is better, beyond chance at 5 %: accuracy 0.8900 against 0.8100, p = 0.021, "
            "McNemar's test (exact binomial).",
        ),
        (
            (50, 5, 45, 0),
            "The second model is better, beyond chance at 5 %: accuracy 0.5500 against 0.9500, p < 0.0001, "
            "McNemar's test (chi-square with continuity correction).",
        ),
        (
            (80, 3, 1, 16),
            "No difference beyond chance at 5 %: accuracy 0.8300 against 0.8100, p = 0.62, McNemar's test "
            "(exact binomial). That does not mean that the models are equal: more images could show a difference.",
        ),
    ],
)
def test_the_sentence(counts, words):
    assert conclusion(McNemar(*counts)) == words
