import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pipeline.data import NAMED, load, named
from pipeline.data.dataset import open_cached
from pipeline.errors import DataError


def no_fetch(name, folder):
    raise AssertionError("nothing to fetch")


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVTUNE_CACHE", str(tmp_path / "cache"))


def test_the_names():
    assert list(NAMED) == ["mnist5k", "digits", "mnist", "fashion_mnist", "cifar10", "cifar100"]
    assert [name for name, one in NAMED.items() if not one.download] == ["mnist5k", "digits"]


@pytest.mark.parametrize("name", ["mnist5k", "digits"])
def test_what_ships_in_packages_is_as_its_line_says(name):
    dataset = load(name, fetch=no_fetch)
    line = NAMED[name]
    assert (dataset.name, dataset.source) == (name, name)
    assert (len(dataset.images), dataset.shape, len(dataset.classes)) == (line.images, line.shape, line.classes)
    assert (dataset.images.min(), dataset.images.max()) == (0, 255)
    assert dataset.classes == tuple("0123456789")


def test_mnist5k_is_described_in_one_line():
    expected = "5,000 images 28x28x1, 10 classes: 3,500 train / 750 validation / 750 test"
    assert load("mnist5k", fetch=no_fetch).describe() == expected


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
    plain, exact = (load("digits", fetch=no_fetch, **asked) for asked in ({}, {"image_size": (8, 8), "channels": 1}))
    colour = load("digits", channels=3, fetch=no_fetch)
    assert plain.folder == exact.folder != colour.folder
    assert colour.shape == (8, 8, 3)
    assert np.array_equal(colour.images[..., 1:2], plain.images)


def test_the_digest_is_not_of_the_seed():
    first, other = (load("digits", seed=seed, fetch=no_fetch) for seed in (0, 1))
    assert first.digest == other.digest
    assert first.seed == 0
    assert not np.array_equal(first.test, other.test)


def test_pickling_carries_no_arrays():
    dataset = load("digits", seed=5, fetch=no_fetch)
    packed = pickle.dumps(dataset)
    assert len(packed) < 1000
    again = pickle.loads(packed)
    for field in ("name", "source", "digest", "classes", "seed"):
        assert getattr(again, field) == getattr(dataset, field)
    for field in ("images", "labels", "train", "validation", "test"):
        assert np.array_equal(getattr(again, field), getattr(dataset, field))
    assert isinstance(again.images, np.memmap)
    assert not again.images.flags.writeable


def test_a_dataset_whose_cache_is_gone_is_an_error(tmp_path):
    with pytest.raises(DataError, match="no readable cache entry"):
        open_cached(str(tmp_path), "mine", "mine", 0)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "mnits",
            "mnits: no such dataset, did you mean 'mnist'?; expected an image folder, an .npz file or the name of a "
            "dataset; the named ones are mnist5k, digits",
        ),
        ("no/such/folder", "no/such/folder: no such dataset; expected an image folder"),
        ("", "'': no such dataset; expected"),
        ("gone.npz", "gone.npz: no such dataset; expected"),
        ("a\0b", "a?b: no such dataset; expected"),
        ("x" * 5000, ": no such dataset; expected"),
    ],
)
def test_what_is_nowhere_is_refused(source, message):
    with pytest.raises(DataError) as caught:
        load(source, fetch=no_fetch)
    assert message in str(caught.value)


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "data.csv").write_text("1,2")
    with pytest.raises(DataError, match=r"data\.csv: neither a folder nor an \.npz file; expected an image folder"):
        load(str(tmp_path / "data.csv"), fetch=no_fetch)


@pytest.mark.parametrize("size", [(0, 5), (5, -1)])
def test_an_image_size_that_cannot_be_is_refused(size):
    with pytest.raises(DataError, match="--image-size: expected height and width of at least 1, got"):
        load("digits", image_size=size, fetch=no_fetch)


def test_a_cache_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CONVTUNE_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match=r"the cache cannot be written \(.+\); set CONVTUNE_CACHE"):
        load("digits", fetch=no_fetch)


def test_the_room_imports_nothing_heavy():
    code = "import sys, pipeline.data; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    here = Path(__file__).parents[2]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True, cwd=here).stdout.split()
    assert not {"keras", "tensorflow", "sklearn", "mlxtend", "pandas", "scipy", "mlflow"} & set(loaded)
