import os

import pytest

from pipeline.errors import StudyError
from pipeline.files import write_text
from pipeline.study.paths import ROOT, check_job, find, latest, locate, unused


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def begin(name):
    paths = locate(name)
    write_text(paths.job, "data: digits\n")
    return paths


@pytest.mark.parametrize("name", ["mine", "./mine", "a/b", "../elsewhere"])
def test_the_argument_of_a_study_means_the_same_study(name):
    paths = locate(name)
    assert locate(paths.argument) == paths


def test_a_name_is_below_studies_and_a_path_is_itself():
    assert locate("mine").path == ROOT / "mine"
    assert str(locate("./mine").path) == "mine"


@pytest.mark.parametrize("name", [".", "..", "a?b", "a\nb", "a\0b"])
def test_invalid_names_are_refused(name):
    with pytest.raises(StudyError, match="expected a name"):
        locate(name)


def test_an_unknown_study_names_the_nearest_and_those_that_there_are():
    begin("digits-quick-1")
    with pytest.raises(StudyError, match=r"did you mean 'digits-quick-1'\?; studies here: digits-quick-1"):
        find("digits-quik-1")
    assert find("digits-quick-1").exists


def test_an_error_lists_eight_studies_at_most():
    for number in range(10):
        begin(f"s{number}")
    with pytest.raises(StudyError, match=r"studies here: s0, s1, s2, s3, s4, s5, s6, s7 and 2 more$"):
        find("other")


def test_trials_without_their_job_are_a_fault():
    paths = begin("mine")
    write_text(paths.fingerprint, "{}")
    write_text(paths.history(0), "")
    check_job(paths)
    paths.job.unlink()
    with pytest.raises(StudyError, match=r"mine/job\.yaml: missing, but there are trials here; put it back"):
        find("mine")


def test_new_names_are_unused_and_plain():
    begin("what-is-1")
    assert unused("what? is") == "what-is-2"


def test_a_users_file_beside_a_study_that_was_cut_off_early_is_foreign():
    paths = locate("mine")
    for path in (paths.fingerprint, paths.storage, paths.lock, paths.path / ".job-0123abcd.yaml"):
        write_text(path, "")
    assert paths.foreign == []
    write_text(paths.path / "notes.txt", "mine")
    write_text(paths.path / ".gitignore", "")
    assert paths.foreign == [".gitignore", "notes.txt"]


def test_a_folder_of_something_else_is_foreign_and_one_cut_off_early_is_not():
    paths = locate("./other")
    paths.path.mkdir()
    assert paths.foreign == []
    paths.log.touch()
    assert paths.foreign == []
    paths.storage.touch()
    assert paths.foreign == ["optuna.db"]
    paths.fingerprint.touch()
    assert paths.foreign == []


def test_the_latest_study_is_the_one_whose_job_was_written_last(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert latest() is None
    for age, name in enumerate(("new", "older", "oldest")):
        job = ROOT / name / "job.yaml"
        job.parent.mkdir(parents=True)
        job.touch()
        os.utime(job, (1_000_000 - age, 1_000_000 - age))
    (ROOT / "no-study").mkdir()
    found = latest()
    assert found is not None
    assert found.argument == "new"
