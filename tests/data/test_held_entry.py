import os
import pickle
import shutil

import numpy as np
import pytest
from PIL import Image

from pipeline.data import load
from pipeline.data.dataset import open_cached


@pytest.fixture
def pets(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVTUNE_CACHE", str(tmp_path / "cache"))
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(8):
            Image.new("RGB", (6, 5), (7 * number, 200, 90)).save(tmp_path / "pets" / name / f"{number}.png")
    return tmp_path / "pets"


def read(pets):
    return load(str(pets), fetch=None)


REMOVALS = {
    "entry": lambda root: shutil.rmtree(next((root / "entries").iterdir())),
    "cache": shutil.rmtree,
    "images": lambda root: next((root / "entries").glob("*/images.npy")).unlink(),
    "names": lambda root: next((root / "entries").glob("*/files.json")).unlink(),
}


@pytest.mark.parametrize("remove", REMOVALS.values(), ids=REMOVALS)
def test_a_removed_entry_is_written_again_for_whoever_unpickles_it(pets, tmp_path, capsys, remove):
    dataset = read(pets)
    expected = np.array(dataset.images)
    remove(tmp_path / "cache")
    shutil.rmtree(pets)  # the source is not asked
    again = pickle.loads(pickle.dumps(dataset))
    assert np.array_equal(again.images, expected)
    assert (again.digest, again.image_name(3)) == (dataset.digest, "cat/3.png")
    assert np.array_equal(again.train, dataset.train)
    [line] = capsys.readouterr().err.splitlines()
    assert line == f"warning: {dataset.folder}: removed while it is in use; written again, with the same images"
    pickle.dumps(dataset)
    assert capsys.readouterr().err == ""
    assert list((tmp_path / "cache/entries").iterdir()) == [dataset.folder]


def test_names_and_facts_are_there_for_the_process_that_loaded_it(pets, tmp_path):
    dataset = read(pets)
    shutil.rmtree(tmp_path / "cache")
    assert dataset.image_name(3) == "cat/3.png"
    assert dataset.split == "seed 0"


def test_an_entry_that_somebody_else_has_made_anew_stays(pets, tmp_path, capsys):
    dataset = read(pets)
    shutil.rmtree(tmp_path / "cache")
    other = read(pets).folder.stat().st_ino
    pickle.dumps(dataset)
    assert dataset.folder.stat().st_ino == other
    assert capsys.readouterr().err == ""


def test_a_cache_that_cannot_be_written_any_more_is_said(pets, tmp_path, capsys):
    dataset = read(pets)
    shutil.rmtree(tmp_path / "cache")
    (tmp_path / "cache").write_text("no folder")
    pickle.dumps(dataset)
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(
        f"warning: {dataset.folder}: removed while it is in use, and {tmp_path / 'cache'}: the cache"
    )
    assert line.endswith("set CONVTUNE_CACHE to a writable folder")


def test_files_are_closed_with_the_dataset(pets):
    dataset = read(pets)
    during = len(os.listdir("/proc/self/fd"))
    del dataset
    assert len(os.listdir("/proc/self/fd")) < during


def test_nothing_beside_it_is_touched_where_it_is_no_part_of_a_cache(pets, tmp_path):
    """As on a node of a cluster, which has copies of entries among other things."""
    folder = read(pets).folder
    copy = shutil.copytree(folder, tmp_path / "node" / folder.name)
    (tmp_path / "node/other").mkdir()
    os.utime(tmp_path / "node/other", (0, 0))
    dataset = open_cached(copy, "pets", "pets", 0)
    shutil.rmtree(copy)
    assert dataset.image_name(3) == "cat/3.png"
    assert {path.name for path in (tmp_path / "node").iterdir()} == {folder.name, "other"}
