import numpy as np

from pipeline.data import copies
from pipeline.data.copies import find_copies


def test_the_first_of_equal_images():
    images = np.array([1, 2, 1, 3, 2, 1], np.uint8).reshape(6, 1, 1, 1) * np.ones((1, 4, 5, 3), np.uint8)
    assert find_copies(images).tolist() == [0, 1, 0, 3, 1, 0]


def test_a_checksum_alone_does_not_decide(monkeypatch):
    monkeypatch.setattr(copies.zlib, "crc32", lambda content: 0)
    assert find_copies(np.array([[1], [2], [1], [3], [2]], np.uint8)).tolist() == [0, 1, 0, 3, 1]


def test_no_images():
    assert find_copies(np.zeros((0, 2, 2, 1), np.uint8)).tolist() == []
