"""The images that an export is proven on."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from pipeline.export.samples import choose_samples, make_up_samples


def dataset(validation, test, train):
    """Images whose only pixel is their row."""
    sizes = np.cumsum([0, train, validation, test])
    rows = [np.arange(start, stop) for start, stop in pairwise(sizes)]
    images = np.arange(sizes[-1], dtype=np.uint16).astype(np.uint8).reshape(-1, 1, 1, 1)
    labels = np.arange(sizes[-1])
    splits = {"train": rows[0], "validation": rows[1], "test": rows[2]}
    return SimpleNamespace(images=images, labels=labels, name="photos", image_file=lambda row: None, **splits)


@pytest.mark.parametrize(
    ("sizes", "source"),
    [
        ((100, 9, 9), "100 validation images of photos"),
        ((900, 9, 9), "500 validation images of photos"),
        ((99, 9, 9), "99 validation and 9 test images of photos"),
        ((10, 20, 30), "10 validation, 20 test and 30 training images of photos"),
        ((10, 20, 900), "10 validation, 20 test and 470 training images of photos"),
        ((0, 120, 0), "120 test images of photos"),
    ],
)
def test_validation_images_first(sizes, source):
    data = dataset(*sizes)
    samples = choose_samples(data)
    assert samples.source == source
    number = sum(int(word) for word in source.split() if word.isdigit())
    assert len(samples.images) == len(samples.labels) == len(set(samples.labels)) == number
    np.testing.assert_array_equal(samples.images, data.images[samples.labels])


def test_calibration_images_are_training_images():
    data = dataset(120, 0, 50)
    calibration = choose_samples(data).calibration
    assert sorted(calibration.ravel()) == sorted(data.images[data.train].ravel())


def test_nothing_else_is_calibrated_with():
    assert choose_samples(dataset(120, 20, 0)).calibration.shape == (0, 1, 1, 1)
    assert make_up_samples((5, 7, 3)).calibration.shape == (0, 5, 7, 3)


def test_some_files_are_read_at_their_own_size(tmp_path, monkeypatch):
    """The first of the images that they are read from too, but for huge ones."""
    monkeypatch.setattr("pipeline.export.samples._LARGEST", 30)
    data = dataset(120, 0, 50)
    for row in range(170):
        Image.new("L", (5, 7 if row % 2 else 6)).save(tmp_path / f"{row}.png")
    data.image_file = lambda row: tmp_path / f"{row}.png"
    samples = choose_samples(data)
    assert [int(file.stem) for file in samples.files] == [row for row in samples.labels if row % 2 == 0][:8]
    assert samples.source == "120 validation images of photos, 8 of them also at their own size where a file takes any"


def test_made_up_images():
    samples = make_up_samples((5, 7, 3))
    assert samples.images.shape == (100, 5, 7, 3)
    assert samples.labels is None
    assert samples.source == "100 images of random pixels"
