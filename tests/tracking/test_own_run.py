"""How a run names the folder of its study; who owns a run is in ``tests/study/test_copies.py``."""

from types import SimpleNamespace

import pytest

from pipeline.study.copies import Machine, NotedFolder
from pipeline.study.paths import StudyPaths
from pipeline.tracking.own_run import FOLDER, MACHINE, folder_tags, noted_folder


def store(uri):
    return SimpleNamespace(tracking_uri=uri)


def run(**tags):
    return SimpleNamespace(data=SimpleNamespace(tags=tags))


def test_a_server_is_told_the_whole_path_and_the_host_and_a_file_the_path_from_where_it_lies(tmp_path):
    """A file goes with its project to another host."""
    server, file = store("http://127.0.0.1:5000"), store(f"sqlite:///{tmp_path}/a/mlflow.db")
    folder = tmp_path / "b" / "studies" / "mine"
    folder.mkdir(parents=True)
    machine = Machine.of(StudyPaths(folder))
    told, written = (folder_tags(client, StudyPaths(folder)) for client in (server, file))
    assert told == {FOLDER: str(folder), MACHINE: f"{machine.host} {machine.number}"}
    assert written == {FOLDER: "../b/studies/mine"}
    assert noted_folder(server, run(**told)) == NotedFolder(folder, machine)
    assert noted_folder(file, run(**written)) == noted_folder(file, run(**told)) == NotedFolder(folder)
    assert noted_folder(server, run()) is noted_folder(file, run()) is None
    moved = store(f"sqlite:///{tmp_path}/elsewhere/a/mlflow.db")
    assert noted_folder(moved, run(**written)) == NotedFolder(tmp_path / "elsewhere" / "b" / "studies" / "mine")


@pytest.mark.parametrize("name", ["two\nlines", b"\xce".decode("utf-8", "surrogateescape")])
def test_a_name_that_is_no_text_is_not_noted(tmp_path, name):
    (tmp_path / name).mkdir()
    assert folder_tags(store("http://127.0.0.1:5000"), StudyPaths(tmp_path / name)) == {}
