"""The folder of a look."""

from pathlib import Path

import pytest
from PIL import Image

from pipeline.errors import JobError
from pipeline.report.look import look as writing
from pipeline.report.look.look import check_output, write_look
from tests.report.look.made_up import look, sight

SIGHTS = (sight("a b.png", label=11), sight("b.png", label=0, channels=1), sight("c.png"))


def test_a_folder_is_written_whole_and_replaced_whole(tmp_path):
    folder = tmp_path / "new" / "look"
    check_output(folder)
    written = write_look(look(*SIGHTS), folder)
    names = ["index.html", "filters.png", "1-a-b.png", "1-a-b-maps.png", "2-b.png", "2-b-maps.png"]
    assert [path.name for path in written[:6]] == names
    assert {path.name for path in folder.iterdir()} == {path.name for path in written}
    for path in written[1:]:
        assert Image.open(path).width > 100
    check_output(folder)
    assert {path.name for path in write_look(look(SIGHTS[1]), folder)} == {path.name for path in folder.iterdir()}
    assert [path.name for path in folder.parent.iterdir()] == ["look"]


def test_what_fails_leaves_the_folder_as_it_was(tmp_path, monkeypatch):
    write_look(look(), tmp_path / "look")
    before = {path: path.read_bytes() for path in (tmp_path / "look").iterdir()}
    monkeypatch.setattr(writing, "maps_sheet", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_look(look(*SIGHTS), tmp_path / "look")
    assert {path: path.read_bytes() for path in (tmp_path / "look").iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["look"]


def test_a_folder_that_failed_to_fill_is_not_left(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "maps_sheet", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_look(look(), tmp_path / "look")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("names", [["index.html"], ["index.html", "filters.png", "1-a.png"], ["thesis/index.html"]])
def test_files_of_others_are_refused_and_stay(tmp_path, names):
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("mine")
    with pytest.raises(JobError, match="holds other files"):
        check_output(tmp_path)
    kept = names[-1]
    if "index.html" not in names:
        write_look(look(), tmp_path)
        assert (tmp_path / kept).read_text() == "mine"


def test_a_file_that_came_into_an_earlier_look_is_refused_and_named(tmp_path):
    write_look(look(), tmp_path / "look")
    (tmp_path / "look" / "3-notes.png").write_bytes(b"mine")
    with pytest.raises(JobError, match=r"holds other files \(3-notes\.png\)"):
        check_output(tmp_path / "look")


def test_where_nothing_can_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "round").symlink_to(tmp_path / "round")
    for folder in (tmp_path / "file" / "look", tmp_path / "file", tmp_path / "round", tmp_path / ("n" * 300)):
        with pytest.raises(JobError, match="cannot write there"):
            check_output(folder)
    check_output(tmp_path / "other" / "look")


@pytest.mark.parametrize("there", [True, False])
def test_a_link_to_a_folder(tmp_path, there):
    if there:
        (tmp_path / "real").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "real")
    for _ in "ab":
        check_output(link)
        assert all(path.is_file() for path in write_look(look(), link))
    assert link.is_symlink()
    assert (tmp_path / "real" / "index.html").is_file()


def test_the_folder_one_stands_in(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in "ab":
        check_output(Path())
        assert all(path.is_file() for path in write_look(look(), Path()))
