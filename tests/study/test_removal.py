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


def test_what_others_have_put_among_the_studys_files_is_named_and_stays(paths, here):
    paths.plots.unlink()
    theirs = ("optuna.db.backup", "plots/Mine.png", "explain/notes/a.txt", "trials/0000/notes.txt")
    ours = (
        "optuna.db",
        "optuna.db-wal",
        "plots/history.png",
        "explain/index.html",
        "explain/1-cat.png",
        "trials/0001/history.csv",
    )
    ours += ("trials/0001/.model-0123abcd.keras", "explain/.convtune-explain-x/1.png", ".explain-0123abcd/index.html")
    for name in (*theirs, *ours):
        (paths.path / name).parent.mkdir(parents=True, exist_ok=True)
        (paths.path / name).touch()
    stays = ("explain/notes", "optuna.db.backup", "plots/Mine.png", "trials/0000/notes.txt")
    assert look_into(paths).foreign == stays
    remove_folder(paths)
    left = [path.relative_to(paths.path).as_posix() for path in paths.path.rglob("*") if not path.is_dir()]
    assert sorted(left) == ["explain/notes/a.txt", *stays[1:]]
    assert (here / "outside" / "photo.png").is_file()


def test_a_removal_that_was_cut_off_can_be_repeated(paths, monkeypatch):
    """The fault is made up: a file that cannot be removed needs another user, and tests may run as root."""

    def fails(path):
        raise PermissionError("no")

    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.rmdir", fails)
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
