"""Model files and studies, found by what a user types."""

import zipfile
from pathlib import Path

import pytest

from pipeline.errors import ModelError, StudyError
from pipeline.explain.model_source import ModelSource, find_model
from pipeline.study.model_metadata import ModelMetadata, write_metadata

METADATA = ModelMetadata(("cat", "dog"), (8, 8, 1), "digits", "d", 0, "mine", 3)


def write_model(path, metadata=None):
    """An archive with nothing but metadata."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
    if metadata is not None:
        write_metadata(metadata, path)
    return path


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def begin_study(folder):
    folder.mkdir(parents=True)
    (folder / "job.yaml").write_text("data: digits\n")


def test_a_file_with_and_without_metadata():
    write_model(Path("ours.keras"), METADATA)
    write_model(Path("other.keras"))
    assert find_model("./ours.keras") == ModelSource(Path("ours.keras"), "ours", METADATA)
    assert find_model("other.keras") == ModelSource(Path("other.keras"), "other", None)


def test_a_file_of_the_old_form_has_no_metadata():
    Path("old.h5").write_bytes(b"not a zip archive")
    assert find_model("old.h5") == ModelSource(Path("old.h5"), "old", None)


def test_the_best_model_of_a_study_by_name_and_by_path():
    begin_study(Path("studies/mine"))
    begin_study(Path("elsewhere/other"))
    for study in (Path("studies/mine"), Path("elsewhere/other")):
        write_model(study / "best.keras", METADATA)
    assert find_model("mine") == ModelSource(Path("studies/mine/best.keras"), "mine", METADATA)
    assert find_model("elsewhere/other").name == "other"


def test_a_study_without_its_best_model():
    begin_study(Path("studies/mine"))
    with pytest.raises(StudyError, match=r"best\.keras: no such file; `convtune tune --study mine` writes"):
        find_model("mine")


@pytest.mark.parametrize("name", ["no.keras", "no.h5"])
def test_a_file_that_is_missing(name):
    with pytest.raises(ModelError, match="no such model file"):
        find_model(name)
