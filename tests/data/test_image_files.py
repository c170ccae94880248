from pathlib import Path

import pytest

from pipeline.data.image_files import find_image_files
from pipeline.errors import DataError


@pytest.fixture(autouse=True)
def photos(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("z.png", "b/2.png", "b/1.JPG", "b/deep/3.bmp", "b/notes.txt", "[x].png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"not opened")
    (tmp_path / "nothing").mkdir()


@pytest.mark.parametrize(
    ("words", "files"),
    [
        (["z.png", "b"], ["z.png", "b/1.JPG", "b/2.png", "b/deep/3.bmp"]),
        (["b/*.png", "z.png"], ["b/2.png", "z.png"]),
        (["b/**/*.bmp"], ["b/deep/3.bmp"]),
        (["[x].png"], ["[x].png"]),
        (["b/d*"], ["b/deep/3.bmp"]),
        (["missing.png"], ["missing.png"]),
        (["z.png", "z.png"], ["z.png", "z.png"]),
    ],
)
def test_files_folders_and_globs_in_their_order(words, files):
    assert [str(file) for file in find_image_files(words)] == files


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("nothing", "nothing: no image in this folder; expected JPEG"),
        ("*.webp", r"\*\.webp: no file matches; expected an image file, a folder or a glob"),
    ],
)
def test_a_folder_or_glob_without_an_image_is_refused(word, message):
    with pytest.raises(DataError, match=message):
        find_image_files(["z.png", word])


def test_hidden_and_system_files_are_passed_over_unless_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "._a.png", ".ipynb_checkpoints/a.png", "__MACOSX/a.png", "deep/b.png", "deep/.c.png"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    seen = [Path("photos/a.png"), Path("photos/deep/b.png")]
    assert find_image_files(["photos"]) == seen
    assert find_image_files(["photos/*"]) == seen
    assert find_image_files(["photos/**/*.png"]) == seen
    assert find_image_files(["photos/__MACOSX/*.png"]) == [Path("photos/__MACOSX/a.png")]
    assert find_image_files(["photos/__MACOSX"]) == [Path("photos/__MACOSX/a.png")]
    assert find_image_files(["photos/._a.png"]) == [Path("photos/._a.png")]


def test_what_is_passed_over_in_a_folder_is_counted(tmp_path):
    for name in ("b/._2.png", "b/Thumbs.db", "b/deep/.cache/a.png", "b/deep/scan.pdf", "b/more.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    lines = []
    find_image_files(["z.png", "b", "b/deep/*", "b/*.png"], lines.append)
    others = "3 files that are no images (2 .txt, 1 .pdf)"
    assert lines == [f"b: passed over {others} and 3 hidden or system files or folders"]
    lines.clear()
    find_image_files(["b/d*"], lines.append)
    assert lines == ["b/deep: passed over 1 file that is no image (1 .pdf) and 1 hidden or system file or folder"]
