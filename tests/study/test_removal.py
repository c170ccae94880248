"""What is removed of a study's folder."""

import pytest

from pipeline.errors import StudyError
from pipeline.study.fingerprint import StudyFingerprint, write_fingerprint
from pipeline.study.paths import StudyPaths, locate
from pipeline.study.removal import find_removable, look_into, remove_folder


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def paths(here):
    """A study with two trials of 10 bytes each, what a killed process left, and links to a folder outside of it."""
    paths = StudyPaths(here / "studies" / "mine")
    for number in (0, 1):
        paths.trial(number).mkdir(parents=True)
        paths.model(number).write_bytes(b"x" * 10)
    write_fingerprint(paths, StudyFingerprint("s", "d", 3, 0))
    paths.job.touch()
    (paths.path / ".explain-0123abcd").mkdir()
    outside = here / "outside"
    outside.mkdir()
    (outside / "photo.png").write_bytes(b"x" * 5000)
    (paths.path / "trials" / "0002").symlink_to(outside)
    paths.plots.symlink_to(outside)
    paths.best_model.symlink_to(outside / "photo.png")
    return paths


def test_everything_goes_and_no_link_is_followed(paths, here):
    content = look_into(paths)
    assert (content.trials, content.foreign) == (2, ())
    assert 20 < content.bytes < 1000
    remove_folder(paths)
    assert not paths.path.exists()
    assert (here / "outside" / "photo.png").stat().st_size == 5000


def test_what_no_study_has_written_stays_in_the_folder(paths):
    (paths.path / "notes").mkdir()
    assert look_into(paths).foreign == ("notes",)
    remove_folder(paths)
    assert [path.name for path in paths.path.iterdir()] == ["notes"]


def test_a_removal_that_was_cut_off_can_be_repeated(paths, monkeypatch):
    """The fault is made up: a file that cannot be removed needs another user, and tests may run as root."""

    def fails(path):
        raise PermissionError("no")

    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", fails)
        with pytest.raises(PermissionError):
            remove_folder(paths)
    assert find_removable("mine").path.resolve() == paths.path
    remove_folder(paths)
    assert not paths.path.exists()


def test_a_folder_with_only_a_job_file_is_no_study(here):
    """``convtune init`` writes such a file wherever somebody works."""
    (here / "project").mkdir()
    (here / "project" / "job.yaml").touch()
    with pytest.raises(StudyError, match=r"^project: holds a job\.yaml but no study\.json, so it is no study"):
        find_removable("./project")


def test_a_link_to_a_study_and_an_unknown_one(paths, here):
    (here / "studies" / "link").symlink_to(paths.path)
    with pytest.raises(StudyError, match=r"^studies/link: a link to .*mine; name that folder"):
        find_removable("link")
    with pytest.raises(StudyError, match=r"unknown study 'mien'.* did you mean 'mine'"):
        find_removable("mien")


def test_a_damaged_study_can_be_found(paths):
    paths.job.unlink()
    assert find_removable("mine") == locate("mine")
