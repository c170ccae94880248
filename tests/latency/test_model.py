import pytest

from pipeline.architecture import FAMILIES
from pipeline.architecture.architecture_builder import ArchitectureBuilder
from pipeline.architecture.ops import Activation, Conv, Dense, Dropout, Flatten
from pipeline.latency.model import FEATURES, LatencyModel, count_features

ONES = LatencyModel(dict.fromkeys(FEATURES, 1.0), "cpu", "tensorflow")


def stack(*ops):
    builder = ArchitectureBuilder((8, 8, 4), 10)
    for number, op in enumerate(ops):
        builder.add(f"op{number}", op)
    return builder.finish()


def test_features_by_hand():
    counts = count_features(
        stack(Conv(6, 3, 2), Activation("relu"), Conv(6, 1), Conv(4, 1, groups=2), Flatten(), Dropout(0.5), Dense(5))
    )
    assert counts == {
        "calls": 1,
        "layers": 6,  # flatten and dropout do nothing in a forward pass
        "values": 4 * 4 * (6 + 6 + 6 + 4) + 5 + 10,
        "dense_macs": 64 * 5 + 5 * 10,
        "pointwise_macs": 4 * 4 * 6 * 6,
        "conv_macs": 4 * 4 * 9 * 4 * 6,
        "conv_weights": (9 * 4 * 6 + 6) + (6 * 6 + 6),
        "windows": 4 * 4 * (9 * 4 + 6),
        "grouped": 1,
        "grouped_macs": 4 * 4 * 3 * 4,
        "grouped_weights": 3 * 4 + 4,
        "grouped_windows": 4 * 4 * 6,
        "grouped_patches": 4 * 4 * 2,
    }


def test_a_model_read_back_is_the_one_written():
    assert LatencyModel.from_dict(ONES.as_dict()) == ONES


@pytest.mark.parametrize(
    "change", [{"weights": {}}, {"weights": None}, {"weights": ONES.weights | {"calls": "x"}}, {"speed": 3}]
)
def test_another_file_is_refused(change):
    with pytest.raises((ValueError, TypeError)):
        LatencyModel.from_dict(ONES.as_dict() | change)


@pytest.mark.parametrize("family", FAMILIES)
def test_wider_networks_take_longer(family):
    narrow, wide = (FAMILIES[family].build({"width": width}, (32, 32, 3), 10) for width in (1.0, 2.0))
    assert 0 < ONES.predict(narrow) < ONES.predict(wide)
