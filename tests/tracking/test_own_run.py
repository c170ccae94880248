"""How a run names the folder of its study; who owns a run is in ``tests/study/test_copies.py``."""

from types import SimpleNamespace

import pytest

from pipeline.study.paths import StudyPaths
from pipeline.tracking.own_run import FOLDER, folder_tag, noted_folder


def store(uri):
    return SimpleNamespace(tracking_uri=uri)


def run(text):
    return SimpleNamespace(data=SimpleNamespace(tags={FOLDER: text} if text else {}))


def test_a_server_is_told_the_whole_path_and_a_file_the_path_from_where_it_lies(tmp_path):
    server, file = store("http://127.0.0.1:5000"), store(f"sqlite:///{tmp_path}/a/mlflow.db")
    folder = tmp_path / "b" / "studies" / "mine"
    texts = {client.tracking_uri: folder_tag(client, StudyPaths(folder)) for client in (server, file)}
    assert list(texts.values()) == [str(folder), "../b/studies/mine"]
    for client in (server, file):
        assert noted_folder(client, run(texts[client.tracking_uri])) == folder
        assert noted_folder(client, run("")) is None
    moved = store(f"sqlite:///{tmp_path}/elsewhere/a/mlflow.db")
    assert noted_folder(moved, run("../b/studies/mine")) == tmp_path / "elsewhere" / "b" / "studies" / "mine"


@pytest.mark.parametrize("name", ["two\nlines", b"\xce".decode("utf-8", "surrogateescape")])
def test_a_name_that_is_no_text_is_not_noted(tmp_path, name):
    assert folder_tag(store("http://127.0.0.1:5000"), StudyPaths(tmp_path / name)) is None
