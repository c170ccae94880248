import pickle

import numpy as np
import pytest
from PIL import Image

from pipeline.data import load
from pipeline.data.dataset import open_cached
from pipeline.errors import MachineError


def no_fetch(name, folder):
    raise AssertionError("nothing to fetch")


def test_mnist5k_is_described_in_one_line():
    expected = "5,000 images 28x28x1, 10 classes: 3,500 train / 750 validation / 750 test"
    assert load("mnist5k", fetch=no_fetch).describe() == expected


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


def test_the_file_of_an_image(tmp_path, monkeypatch):
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(12):
            Image.new("L", (4, 4), number).save(tmp_path / "pets" / name / f"{number}.png")
    monkeypatch.chdir(tmp_path)
    dataset = load("pets", fetch=no_fetch)
    monkeypatch.chdir("/")
    files = {load(str(tmp_path / "pets"), fetch=no_fetch).image_file(row) for row in range(24)}
    assert files == set((tmp_path / "pets").glob("*/*.png"))
    assert dataset.image_name(0) in ("cat/0.png", "dog/0.png")
    assert load("digits", fetch=no_fetch).image_file(0) is None


def test_a_worker_that_finds_no_cache_entry_blames_the_machine(tmp_path):
    with pytest.raises(MachineError, match="not a readable cache entry"):
        open_cached(tmp_path, "mine", "mine", 0)
