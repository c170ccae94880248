import numpy as np
import pytest

from pipeline.data import NAMED_DATASETS, load, named
from pipeline.errors import DataError


def no_fetch(name, folder):
    raise AssertionError("nothing to fetch")


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVTUNE_CACHE", str(tmp_path / "cache"))


def test_the_names():
    assert list(NAMED_DATASETS) == ["mnist5k", "digits", "mnist", "fashion_mnist", "cifar10", "cifar100"]
    assert [name for name, dataset in NAMED_DATASETS.items() if not dataset.download] == ["mnist5k", "digits"]


@pytest.mark.parametrize("name", ["mnist5k", "digits"])
def test_what_ships_in_packages_is_as_its_line_says(name):
    dataset = load(name, fetch=no_fetch)
    line = NAMED_DATASETS[name]
    assert (dataset.name, dataset.source) == (name, name)
    assert (len(dataset.images), dataset.shape, len(dataset.classes)) == (line.images, line.shape, line.classes)
    assert (dataset.images.min(), dataset.images.max()) == (0, 255)
    assert dataset.classes == tuple("0123456789")


def test_a_named_set_is_read_once(monkeypatch):
    load("digits", fetch=no_fetch)
    monkeypatch.setattr(named, "_PACKAGED", {"digits": None})
    load("digits", fetch=no_fetch)


def fake_fetch(name, folder):
    rng = np.random.default_rng(0)
    arrays = {
        f"x_{part}": rng.integers(0, 256, (count, 6, 6, 3), dtype=np.uint8)
        for part, count in (("train", 20), ("test", 6))
    }
    labels = {"y_train": np.arange(20) % 2, "y_test": np.arange(6) % 2}
    np.savez(folder / f"{name}.npz", **arrays, **labels, classes=np.array(["cat", "dog"]))


def test_what_keras_has_is_fetched_once(fresh):
    calls = []

    def fetch(name, folder):
        calls.append(name)
        fake_fetch(name, folder)

    for _ in range(2):
        dataset = load("cifar10", fetch=fetch)
    assert calls == ["cifar10"]
    assert dataset.classes == ("cat", "dog")
    assert [len(rows) for rows in (dataset.train, dataset.validation, dataset.test)] == [16, 4, 6]
    assert sorted(path.name for path in dataset.folder.iterdir()) == [
        "copies.npy",
        "files.json",
        "images.npy",
        "labels.npy",
        "meta.json",
        "splits.npy",
    ]


def test_a_fetch_that_fails_says_why_and_leaves_nothing(fresh, tmp_path):
    def fetch(name, folder):
        raise DataError("no network")

    with pytest.raises(DataError, match="no network"):
        load("mnist", fetch=fetch)
    assert list((tmp_path / "cache/entries").iterdir()) == []


def test_named_sets_are_resized_too():
    assert load("digits", image_size=(12, 10), fetch=no_fetch).shape == (12, 10, 1)


def test_a_named_set_of_its_own_shape_is_one_entry(fresh):
    plain, exact = (
        load("digits", fetch=no_fetch, **request) for request in ({}, {"image_size": (8, 8), "channels": 1})
    )
    colour = load("digits", channels=3, fetch=no_fetch)
    assert plain.folder == exact.folder != colour.folder
    assert colour.shape == (8, 8, 3)
    assert np.array_equal(colour.images[..., 1:2], plain.images)
