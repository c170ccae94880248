import numpy as np
import pytest

from pipeline.errors import DataError
from tests.data.npz_files import arrays, read, train, with_test


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVTUNE_CACHE", str(tmp_path / "cache"))


NAN = np.zeros((12, 5, 4))
NAN[7, 2, 1] = np.nan
INFINITE = np.zeros((12, 5, 4, 1), np.float32)
INFINITE[0, 1, 2, 0] = np.inf


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (np.array([0, 1, 254, 255], np.int64), [0, 1, 254, 255]),
        (np.array([0, 1, 2, 3], np.int8), [0, 1, 2, 3]),
        (np.array([0, 128, 129, 65535], np.uint16), [0, 0, 1, 255]),
        (np.array([0, 1, 2, 255], np.uint16), [0, 1, 2, 255]),
        (np.array([0, 128, 129, 65535], ">u2"), [0, 0, 1, 255]),
        (np.array([0, 0.5, 0.999, 1], np.float32), [0, 128, 255, 255]),
        (np.array([0, 1, 2.6, 255], np.float64), [0, 1, 3, 255]),
        (np.array([0, 0.25, 0.5, 1], np.float16), [0, 64, 128, 255]),
        (np.array([0, 0.5, 1, 1.02], np.float32), [0, 128, 255, 255]),
        (np.array([0, 100, 255, 260], np.float32), [0, 100, 255, 255]),
        (np.array([0, 1000, 2000, 4095], np.uint16), [0, 62, 125, 255]),
        (np.array([0, 1000, 2000, 4095], np.float32), [0, 62, 125, 255]),
        (np.zeros(4), [0, 0, 0, 0]),
    ],
)
def test_pixels_become_bytes(tmp_path, stored, expected):
    dataset = read(tmp_path, train(np.tile(stored, (6, 1)).reshape(6, 2, 2)))
    assert dataset.images[0].ravel().tolist() == expected


@pytest.mark.parametrize(
    ("stored", "line"),
    [
        (np.array([0, 4000], np.uint16), "pixels go up to 4,000; 0..4,095 (12 bits) is scaled to 0..255"),
        (np.array([0, 1.02]), "pixels go up to 1.02; taken as 0..1, what is above becomes white"),
        (np.array([0, 1.0]), ""),
    ],
)
def test_a_range_that_is_not_obvious_is_said(tmp_path, stored, line):
    for _ in range(2):
        lines = []
        read(tmp_path, train(np.tile(stored, (6, 2)).reshape(6, 2, 2)), warn=lines.append)
        assert lines == ([f"{tmp_path}/mine.npz: {line}"] if line else [])


@pytest.mark.parametrize(
    ("usual", "highest", "line"),
    [
        (
            np.uint16(3900),
            65535,
            "99.9% of the pixels are below 4,096, and become only 0..15 of 255; if the others are",
        ),
        (0.9, 255, "99.9% of the pixels are below 1, and become only 0..1 of 255; if the others are faults, clip"),
        (np.uint16(9000), 65535, ""),
        (np.uint16(20), 20, ""),
    ],
)
def test_a_hot_pixel_is_said(tmp_path, usual, highest, line):
    images = np.full((12, 12, 10), usual)
    images[3, 4, 5] = highest
    for _ in range(2):
        lines = []
        read(tmp_path, train(images), warn=lines.append)
        assert len([text for text in lines if "clip" in text]) == bool(line)
        assert not line or line in lines[-1]


def test_the_scale_is_one_for_all_arrays(tmp_path):
    dataset = read(tmp_path, with_test(x_train=np.full((12, 5, 4), 200.0), x_test=np.full((4, 5, 4), 1.0)))
    assert np.all(dataset.images[dataset.test] == 1)


def test_the_place_of_a_pixel_counts_from_the_first_row(tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.data.npz_array._BLOCK_BYTES", 400)
    with pytest.raises(DataError, match=r"x_train\[7, 2, 1\] is nan"):
        read(tmp_path, arrays(x_train=NAN))
