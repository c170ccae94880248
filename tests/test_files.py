import resource
from pathlib import Path

import pytest

from pipeline.files import copy_file, replacing, size_of, write_text


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    target = tmp_path / "a" / "b.txt"
    write_text(target, "one")
    with pytest.raises(TypeError):
        write_text(target, None)
    assert target.read_text() == "one"
    assert names(target.parent) == ["b.txt"]


def test_a_file_is_copied_whole_or_not_at_all(tmp_path):
    write_text(tmp_path / "model", "the one before")
    write_text(tmp_path / "new", "the next" * 1000)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))  # as a full disk does, it stops a copy midway
    try:
        with pytest.raises(OSError, match="File too large"):
            copy_file(tmp_path / "new", tmp_path / "model")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (tmp_path / "model").read_text() == "the one before"
    assert names(tmp_path) == ["model", "new"]
    copy_file(tmp_path / "new", tmp_path / "model")
    assert names(tmp_path) == ["model", "new"]
    assert (tmp_path / "model").read_text() == "the next" * 1000


def test_the_temporary_file_is_hidden_beside_its_target_with_the_same_suffix(tmp_path):
    with replacing(tmp_path / "model.keras") as one, replacing(tmp_path / "model.keras") as other:
        assert one.parent == other.parent == tmp_path
        assert one.name.startswith(".")
        assert one.suffix == other.suffix == ".keras"
        assert one != other
        one.touch()
        other.touch()
    assert names(tmp_path) == ["model.keras"]


def fill(folder, name):
    folder.mkdir()
    (folder / name).write_text(name)


def test_a_folder_replaces_a_folder_whole(tmp_path):
    fill(tmp_path / "model", "old")
    with replacing(tmp_path / "model") as temporary:
        fill(temporary, "new")
    assert names(tmp_path) == ["model"]
    assert names(tmp_path / "model") == ["new"]


def test_a_link_to_a_folder_is_replaced_and_the_folder_stays(tmp_path):
    fill(tmp_path / "elsewhere", "old")
    (tmp_path / "model").symlink_to(tmp_path / "elsewhere")
    with replacing(tmp_path / "model") as temporary:
        fill(temporary, "new")
    assert names(tmp_path) == ["elsewhere", "model"]
    assert names(tmp_path / "model") == ["new"]
    assert names(tmp_path / "elsewhere") == ["old"]


def test_a_folder_that_is_not_finished_leaves_the_old_one(tmp_path):
    fill(tmp_path / "model", "old")

    def interrupted():
        with replacing(tmp_path / "model") as temporary:
            fill(temporary, "new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert names(tmp_path) == ["model"]
    assert names(tmp_path / "model") == ["old"]


def test_an_old_folder_comes_back_when_the_new_one_cannot_take_its_place(tmp_path, monkeypatch):
    fill(tmp_path / "model", "old")
    rename, calls = Path.rename, []

    def refused_once(path, target):
        calls.append(path)
        if len(calls) == 2:
            raise PermissionError("refused")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refused_once)
    with pytest.raises(PermissionError), replacing(tmp_path / "model") as temporary:
        fill(temporary, "new")
    assert names(tmp_path) == ["model"]
    assert names(tmp_path / "model") == ["old"]


def test_a_file_does_not_replace_a_folder_nor_a_folder_a_file(tmp_path):
    fill(tmp_path / "folder", "old")
    with pytest.raises(IsADirectoryError) as refusal:
        write_text(tmp_path / "folder", "new")
    assert refusal.value.filename == str(tmp_path / "folder")
    (tmp_path / "file").write_text("old")
    with pytest.raises(NotADirectoryError), replacing(tmp_path / "file") as temporary:
        fill(temporary, "new")
    assert names(tmp_path) == ["file", "folder"]
    assert names(tmp_path / "folder") == ["old"]
    assert (tmp_path / "file").read_text() == "old"


def test_the_size_of_a_file_and_of_a_folder(tmp_path):
    write_text(tmp_path / "model" / "a.txt", "12345")
    write_text(tmp_path / "model" / "deep" / "b.txt", "678")
    assert size_of(tmp_path / "model" / "a.txt") == 5
    assert size_of(tmp_path / "model") == 8
