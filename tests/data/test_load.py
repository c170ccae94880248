import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.data import load
from pipeline.errors import DataError


def no_fetch(name, folder):
    raise AssertionError("nothing to fetch")


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
        ("a\0b", "a\\x00b: no such dataset; expected"),
        ("x" * 5000, ": no such dataset; expected"),
    ],
)
def test_what_is_nowhere_is_refused(source, message):
    with pytest.raises(DataError) as caught:
        load(source, fetch=no_fetch)
    assert message in str(caught.value)


def test_a_folder_that_is_called_nearly_so_is_offered(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "pets.npz").write_bytes(b"")
    for typed, meant in (("photso", "photos"), ("Photo", "photos"), ("pets", "pets.npz")):
        with pytest.raises(DataError) as caught:
            load(str(tmp_path / typed), fetch=no_fetch)
        assert f"no such dataset, did you mean '{tmp_path / meant}'?; expected" in str(caught.value)


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "data.csv").write_text("1,2")
    with pytest.raises(DataError, match=r"data\.csv: neither a folder nor an \.npz file; expected an image folder"):
        load(str(tmp_path / "data.csv"), fetch=no_fetch)


@pytest.mark.parametrize("size", [(0, 5), (5, -1)])
def test_an_invalid_image_size_is_refused(size):
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
