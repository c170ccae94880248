import pickle
import zipfile

import numpy as np
import pytest

from pipeline.data import load
from pipeline.data.npz_array import read_headers
from pipeline.errors import DataError
from tests.data.npz_files import Evil, arrays, read, train


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVTUNE_CACHE", str(tmp_path / "cache"))


def test_arrays_stored_by_columns(tmp_path):
    images = arrays()["x_train"]
    assert np.array_equal(read(tmp_path, train(np.asfortranarray(images))).images[..., 0], images)


def test_blocks_make_no_difference(tmp_path, monkeypatch):
    images = np.random.default_rng(0).random((50, 5, 4))
    whole = read(tmp_path, train(images))
    monkeypatch.setattr("pipeline.data.npz_array._BLOCK_BYTES", 500)
    monkeypatch.setenv("CONVTUNE_CACHE", str(tmp_path / "other"))
    seen = []
    again = read(tmp_path, train(images), progress=lambda done, total: seen.append((done, total)))
    assert again.digest == whole.digest
    assert again.folder != whole.folder
    assert seen[:2] == [(3, 50), (6, 50)]
    assert seen[-1] == (50, 50)


def sound(tmp_path):
    np.savez(tmp_path / "sound.npz", **arrays())
    return (tmp_path / "sound.npz").read_bytes()


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_truncated_file_is_refused(tmp_path, share):
    content = sound(tmp_path)
    path = tmp_path / "mine.npz"
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(DataError, match=r"mine\.npz: not a readable \.npz file \(.+\); save it again"):
        load(str(path), fetch=None)


@pytest.mark.parametrize("content", [b"text", pickle.dumps(Evil()), b"\x93NUMPY\x01\0"])
def test_what_is_not_an_npz_file_is_refused(tmp_path, content):
    path = tmp_path / "mine.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"mine\.npz: not a readable \.npz file"):
        load(str(path), fetch=None)


def test_flipped_bytes_are_noticed(tmp_path):
    content = bytearray(sound(tmp_path))
    start = content.index(arrays()["x_train"][3].tobytes())
    content[start] ^= 255
    (tmp_path / "mine.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"not a readable \.npz file"):
        load(str(tmp_path / "mine.npz"), fetch=None)


def rewritten(tmp_path, name, content):
    """A sound file in which other bytes take the place of an array."""
    np.savez(tmp_path / "sound.npz", **arrays())
    with zipfile.ZipFile(tmp_path / "sound.npz") as old, zipfile.ZipFile(tmp_path / "mine.npz", "w") as new:
        for member in old.namelist():
            new.writestr(member, content if member == name else old.read(member))
    return tmp_path / "mine.npz"


def declaring(shape):
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\0" + len(header).to_bytes(2, "little") + header


@pytest.mark.parametrize("shape", [(12, 500, 400), (12, 10**6, 10**6), (10**12, 5, 4)])
def test_a_shape_that_is_not_there_is_refused_before_it_is_read(tmp_path, shape):
    path = rewritten(tmp_path, "x_train.npy", declaring(shape) + bytes(240))
    with pytest.raises(DataError, match=r"not a readable \.npz file \(x_train is not as long as its shape"):
        load(str(path), fetch=None)


def test_a_negative_shape_is_refused(tmp_path):
    path = rewritten(tmp_path, "x_train.npy", declaring((-12, -5, 4)) + bytes(240))
    with pytest.raises(DataError, match="x_train is empty"):
        load(str(path), fetch=None)


@pytest.mark.parametrize("content", [b"", b"text", b"\x93NUMPY\x09\0", declaring("open('x')") + b"1"])
def test_what_is_not_an_array_is_refused(tmp_path, content):
    path = rewritten(tmp_path, "x_train.npy", content)
    with pytest.raises(DataError, match=r"mine\.npz: not a readable \.npz file"):
        load(str(path), fetch=None)


def test_a_header_that_is_no_python_is_one_line(tmp_path):
    """numpy takes the header apart as Python's own reader does, which has an error of its own for open brackets."""
    header = b"{'descr': '|u1', 'shape': (2," + b" " * 40 + b"\n"
    file = tmp_path / "data.npz"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x_train.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    with pytest.raises(DataError, match=r"not a readable \.npz file"):
        read_headers(file)
