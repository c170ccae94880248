"""The folder of an explanation."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from pipeline.errors import JobError
from pipeline.explain import render, write
from pipeline.explain.write import check_output, write_explanation
from tests.explain.made_up import make_explanation, make_image

IMAGES = (make_image("a b.png", label=11), make_image("b.png", label=0, channels=1), make_image("c.png"))


def test_a_folder_is_written_whole_and_replaced_whole(tmp_path):
    folder = tmp_path / "new" / "explanation"
    check_output(folder)
    written = write_explanation(make_explanation(*IMAGES), folder)
    names = ["filters.png", "1-a-b.png", "1-a-b-maps.png", "2-b.png", "2-b-maps.png", "3-c.png", "3-c-maps.png"]
    assert [path.name for path in written] == [*names, "index.html"]
    assert {path.name for path in folder.iterdir()} == {path.name for path in written}
    for path in written[:-1]:
        assert Image.open(path).width > 100
    check_output(folder)
    assert {path.name for path in write_explanation(make_explanation(IMAGES[1]), folder)} == {
        path.name for path in folder.iterdir()
    }
    assert [path.name for path in folder.parent.iterdir()] == ["explanation"]


def test_what_fails_leaves_the_folder_as_it_was(tmp_path, monkeypatch):
    write_explanation(make_explanation(), tmp_path / "explanation")
    before = {path: path.read_bytes() for path in (tmp_path / "explanation").iterdir()}
    monkeypatch.setattr(write, "activation_maps_contact_sheet", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_explanation(make_explanation(*IMAGES), tmp_path / "explanation")
    assert {path: path.read_bytes() for path in (tmp_path / "explanation").iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["explanation"]


def test_everything_is_drawn_once(tmp_path, monkeypatch):
    calls = Counter()

    def counted(function):
        def run(*arguments):
            calls[function.__name__] += 1
            return function(*arguments)

        return run

    for name in ("render_receptive_field", "render_heatmap", "render_activation_maps"):
        monkeypatch.setattr(render, name, counted(getattr(render, name)))
    monkeypatch.setattr(write, "render_filters", counted(write.render_filters))
    write_explanation(make_explanation(*IMAGES), tmp_path)
    assert calls == {
        "render_receptive_field": 3,
        "render_heatmap": 9,
        "render_activation_maps": 3,
        "render_filters": 1,
    }


def test_the_rest_of_a_killed_process_is_not_a_file_of_others_and_is_removed(tmp_path):
    done = write_explanation(make_explanation(), tmp_path / "explanation")
    command = (
        "import os, sys; from pathlib import Path; from tests.explain.made_up import make_explanation; "
        "from pipeline.explain import write; "
        "write.activation_maps_contact_sheet = lambda *args: os._exit(9); "
        "write.write_explanation(make_explanation(), Path(sys.argv[1]))"
    )
    root = Path(__file__).parents[2]
    killed = subprocess.run([sys.executable, "-c", command, str(tmp_path / "explanation")], cwd=root)
    assert killed.returncode == 9
    assert len(list((tmp_path / "explanation").iterdir())) > len(done)
    check_output(tmp_path / "explanation")
    assert set(write_explanation(make_explanation(), tmp_path / "explanation")) == set(
        (tmp_path / "explanation").iterdir()
    )


def test_a_folder_that_failed_to_fill_is_not_left(tmp_path, monkeypatch):
    monkeypatch.setattr(write, "activation_maps_contact_sheet", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_explanation(make_explanation(), tmp_path / "explanation")
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
        write_explanation(make_explanation(), tmp_path)
        assert (tmp_path / kept).read_text() == "mine"


def test_a_file_that_came_into_an_earlier_explanation_is_refused_and_named(tmp_path):
    write_explanation(make_explanation(), tmp_path / "explanation")
    (tmp_path / "explanation" / "3-notes.png").write_bytes(b"mine")
    with pytest.raises(JobError, match=r"holds other files \(3-notes\.png\)"):
        check_output(tmp_path / "explanation")


def test_where_nothing_can_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "round").symlink_to(tmp_path / "round")
    for folder in (tmp_path / "file" / "explanation", tmp_path / "file", tmp_path / "round", tmp_path / ("n" * 300)):
        with pytest.raises(JobError, match="cannot write there"):
            check_output(folder)
    check_output(tmp_path / "other" / "explanation")


@pytest.mark.parametrize("there", [True, False])
def test_a_link_to_a_folder(tmp_path, there):
    if there:
        (tmp_path / "real").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "real")
    for _ in "ab":
        check_output(link)
        assert all(path.is_file() for path in write_explanation(make_explanation(), link))
    assert link.is_symlink()
    assert (tmp_path / "real" / "index.html").is_file()


def test_the_folder_one_stands_in(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in "ab":
        check_output(Path())
        assert all(path.is_file() for path in write_explanation(make_explanation(), Path()))
