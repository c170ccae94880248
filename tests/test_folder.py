import resource

import pytest

from pipeline.errors import StudyError
from pipeline.folder import ROOT, append_history, copy, find, locate, locked, unused, write
from pipeline.trial import Report


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def begin(name):
    folder = locate(name)
    write(folder.job, "data: digits\n")
    return folder


@pytest.mark.parametrize("name", ["mine", "./mine", "a/b", "../elsewhere"])
def test_what_a_study_is_called_in_messages_means_the_same_study(name):
    folder = locate(name)
    assert locate(folder.argument) == folder


def test_a_name_is_below_studies_and_a_path_is_itself():
    assert locate("mine").path == ROOT / "mine"
    assert str(locate("./mine").path) == "mine"


@pytest.mark.parametrize("name", [".", "..", "a?b", "a\nb", "a\0b"])
def test_what_no_study_can_be_called(name):
    with pytest.raises(StudyError, match="expected a name"):
        locate(name)


def test_an_unknown_study_names_the_nearest_and_what_there_is():
    begin("digits-quick-1")
    with pytest.raises(StudyError, match=r"did you mean 'digits-quick-1'\?; studies here: digits-quick-1"):
        find("digits-quik-1")
    assert find("digits-quick-1").exists


def test_new_names_are_unused_and_plain():
    begin("what-is-1")
    assert unused("what? is") == "what-is-2"


def test_a_folder_of_something_else_is_foreign_and_one_cut_off_early_is_not():
    folder = locate("./other")
    folder.path.mkdir()
    assert folder.foreign == []
    folder.log.touch()
    assert folder.foreign == []
    folder.storage.touch()
    assert folder.foreign == ["optuna.db"]
    folder.identity.touch()
    assert folder.foreign == []


def test_a_locked_study_refuses_a_second_holder_and_is_free_again():
    folder = locate("mine")
    with locked(folder), pytest.raises(StudyError, match="another process"), locked(folder):
        pass
    with locked(folder):
        pass


def test_history_is_a_row_an_epoch_and_a_repeated_trial_begins_anew():
    path = locate("mine").history(7)
    for epoch in (1, 2):
        append_history(path, Report(7, epoch, {"loss": 0.5, "val_accuracy": 0.25}, 1.5 * epoch))
    assert path.read_text().splitlines() == ["epoch,loss,val_accuracy,seconds", "1,0.5,0.25,1.50", "2,0.5,0.25,3.00"]
    append_history(path, Report(7, 1, {"loss": 0.4, "val_accuracy": 0.5}, 1.0))
    assert path.read_text().splitlines() == ["epoch,loss,val_accuracy,seconds", "1,0.4,0.5,1.00"]


def test_a_file_is_written_whole_or_not_at_all(here):
    target = here / "a" / "b.txt"
    write(target, "one")
    with pytest.raises(TypeError):
        write(target, None)
    assert target.read_text() == "one"


def test_a_file_is_copied_whole_or_not_at_all(here):
    write(here / "model", "the one before")
    write(here / "new", "the next" * 1000)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))  # as a full disk does, it stops a copy midway
    try:
        with pytest.raises(OSError, match="File too large"):
            copy(here / "new", here / "model")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (here / "model").read_text() == "the one before"
    assert [path.name for path in sorted(here.iterdir())] == ["model", "new"]
    copy(here / "new", here / "model")
    assert [path.name for path in sorted(here.iterdir())] == ["model", "new"]
    assert (here / "model").read_text() == "the next" * 1000
