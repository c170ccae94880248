import json
import os

import numpy as np
import pytest

from pipeline.data.cache_entry import allocate_images, complete_entry, keep_images, read_entry
from pipeline.errors import DataError
from tests.data.damages import DAMAGES


def write_entry(folder, value=7, labels=(0, 1, 0, 1, 0, 1), splits=(0, 0, 0, 0, 1, 2), classes=("a", "b")):
    folder.mkdir(exist_ok=True)
    images = allocate_images(folder, (6, 2, 3, 1), "here")
    images[:] = value
    images.flush()
    complete_entry(folder, np.array(labels), np.array(splits, np.uint8), classes, notes=("a note",))
    return folder


def test_what_is_written_is_read(tmp_path):
    entry = read_entry(write_entry(tmp_path))
    assert entry.images.shape == (6, 2, 3, 1)
    assert isinstance(entry.images, np.memmap)
    assert not entry.images.flags.writeable
    assert np.all(entry.images == 7)
    assert entry.labels.tolist() == [0, 1, 0, 1, 0, 1]
    assert entry.given_splits.tolist() == [0, 0, 0, 0, 1, 2]
    assert (entry.folder, entry.classes, entry.notes) == (tmp_path, ("a", "b"), ("a note",))


@pytest.mark.parametrize(
    "change", [{"value": 8}, {"labels": (1, 0, 1, 0, 1, 0)}, {"splits": (0,) * 6}, {"classes": ("a", "c")}]
)
def test_the_digest_stands_for_all_of_the_content(tmp_path, change):
    digests = [
        read_entry(write_entry(tmp_path / name, **changes)).digest
        for name, changes in (("one", {}), ("same", {}), ("other", change))
    ]
    assert digests[0] == digests[1] != digests[2]
    assert len(digests[0]) == 16


def test_reading_marks_an_entry_as_used(tmp_path):
    write_entry(tmp_path)
    os.utime(tmp_path, (1, 1))
    read_entry(tmp_path)
    assert tmp_path.stat().st_mtime > 1


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_entry_is_refused(tmp_path, damage):
    damage(write_entry(tmp_path))
    with pytest.raises(DataError, match=r"cache entry.*; load the dataset again$"):
        read_entry(tmp_path)


def test_a_missing_entry_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"gone: not a readable cache entry \(.+\); load the dataset again"):
        read_entry(tmp_path / "gone")


def test_no_room_on_the_disk_is_said_before_anything_is_written(tmp_path):
    with pytest.raises(DataError, match=r"^here: its images take 1,000,000\.0 GB decoded .*; choose a smaller"):
        allocate_images(tmp_path, (10**6, 10**6, 1000, 1), "here")
    assert list(tmp_path.iterdir()) == []


def test_the_other_images_are_removed(tmp_path):
    images = allocate_images(tmp_path, (5, 1, 1, 1), "here")
    images[:, 0, 0, 0] = range(5)
    images.flush()
    keep_images(tmp_path, np.array([0, 3, 4]))
    assert np.load(tmp_path / "images.npy").ravel().tolist() == [0, 3, 4]
    assert [path.name for path in tmp_path.iterdir()] == ["images.npy"]


def test_metadata_are_for_people(tmp_path):
    metadata = json.loads((write_entry(tmp_path) / "meta.json").read_text())
    assert metadata["classes"] == ["a", "b"]
    assert metadata["shape"] == [6, 2, 3, 1]
