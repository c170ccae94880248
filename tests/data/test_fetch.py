import importlib

import keras
import numpy as np
import pytest

from pipeline.data import NAMED_DATASETS, load
from pipeline.data.fetch import fetch
from pipeline.errors import DataError

DOWNLOADS = [name for name, dataset in NAMED_DATASETS.items() if dataset.download]


@pytest.fixture
def offered(monkeypatch):
    """Keras's loaders give small sets of the right kind."""

    def offer(name):
        _, (height, width, channels), classes = name, NAMED_DATASETS[name].shape, NAMED_DATASETS[name].classes
        shape = (height, width) if channels == 1 else (height, width, channels)
        labels = np.arange(4 * classes, dtype=np.uint8) % classes
        column = labels if channels == 1 else labels[:, None]
        return tuple((np.full((len(labels), *shape), fill, np.uint8), column) for fill in (3, 4))

    for name in DOWNLOADS:
        monkeypatch.setattr(getattr(keras.datasets, name), "load_data", lambda name=name: offer(name))


@pytest.mark.parametrize("name", DOWNLOADS)
def test_what_keras_gives_becomes_a_dataset(offered, tmp_path, monkeypatch, name):
    monkeypatch.setenv("CONVTUNE_CACHE", str(tmp_path / "cache"))
    dataset = load(name, fetch=fetch)
    assert dataset.shape == NAMED_DATASETS[name].shape
    assert len(dataset.classes) == NAMED_DATASETS[name].classes
    assert np.all(dataset.images[dataset.test] == 4)
    assert np.all(dataset.images[dataset.train] == 3)
    assert dataset.labels[:3].tolist() == [0, 1, 2]


def test_classes_have_the_names_that_are_known(offered, tmp_path):
    for name, third in (("cifar10", "bird"), ("cifar100", "baby"), ("fashion_mnist", "Pullover")):
        fetch(name, tmp_path)
        with np.load(tmp_path / f"{name}.npz") as arrays:
            assert arrays["classes"][2] == third
            assert arrays["y_train"].dtype == np.int64


@pytest.mark.parametrize("name", DOWNLOADS)
def test_offline_the_files_are_named_as_keras_looks_for_them(monkeypatch, tmp_path, name):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    looked_for = []

    def get_file(fname, origin, cache_subdir="datasets", extract=False, **ignored):
        looked_for.append((cache_subdir, f"{fname}_archive" if extract else fname, origin.rsplit("/", 1)[1]))
        if len(looked_for) < (4 if name == "fashion_mnist" else 1):
            return "not opened before all are there"
        raise Exception(f"URL fetch failure on {origin}: None -- [Errno -2]\nName or service not known")

    monkeypatch.setattr(importlib.import_module(f"keras.src.datasets.{name}"), "get_file", get_file)
    with pytest.raises(DataError) as caught:
        fetch(name, tmp_path)
    line = str(caught.value)
    assert line.startswith(f"{name}: cannot be downloaded or read (URL fetch failure")
    assert "\n" not in line
    for folder, kept, published in looked_for:
        assert f" into {tmp_path / folder} by hand" in line
        assert kept in line
        assert published in line
    assert list(tmp_path.glob("*.npz")) == []
