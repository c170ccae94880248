import pytest

from pipeline.errors import StudyError
from pipeline.study.lock import is_locked, locked
from pipeline.study.paths import locate


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_locked_study_refuses_a_second_holder_and_is_free_again():
    paths = locate("mine")
    with locked(paths), pytest.raises(StudyError, match="another process"), locked(paths):
        pass
    with locked(paths):
        pass


def test_whether_somebody_holds_it_can_be_asked_without_holding_it(here):
    paths = locate("mine")
    assert not is_locked(paths)
    assert not paths.path.exists()
    with locked(paths):
        assert is_locked(paths)
    assert not is_locked(paths)
    with locked(paths):
        pass


def test_a_folder_that_cannot_be_written_is_a_fault_of_the_study(here):
    (here / "file").touch()
    message = r"^file/s: cannot write there \(Not a directory\); choose a --study path"
    with pytest.raises(StudyError, match=message), locked(locate("file/s")):
        pass
