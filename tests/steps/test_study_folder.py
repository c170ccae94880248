"""The folder of a study that runs."""

import pytest

from pipeline.errors import JobError, StudyError
from pipeline.files import write_text
from pipeline.job.request import read_job
from pipeline.steps.study_folder import hold_study, write_job
from pipeline.study.fingerprint import StudyFingerprint, write_fingerprint
from pipeline.study.lock import is_locked
from pipeline.study.paths import locate


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_folder_of_something_else_is_refused_and_left_alone():
    paths = locate("./theirs")
    write_text(paths.storage, "somebody's own")
    with pytest.raises(StudyError, match=r"holds 'optuna\.db' but no study"), hold_study(paths):
        pass
    assert paths.storage.read_text() == "somebody's own"


def fails_while_it_is_prepared(name):
    with hold_study(locate(name)):
        write_text(locate(name).plots / "x.png", "")
        raise JobError("no")


def test_what_failed_before_the_study_began_leaves_nothing(here):
    with pytest.raises(JobError):
        fails_while_it_is_prepared("a/b/c")
    assert list(here.iterdir()) == []


def test_what_failed_in_an_old_empty_folder_leaves_the_folder(here):
    (here / "old").mkdir()
    with pytest.raises(JobError):
        fails_while_it_is_prepared("./old")
    assert list((here / "old").iterdir()) == []


@pytest.mark.parametrize("left", [lambda paths: paths.model(0), lambda paths: paths.best_model])
def test_trials_whose_job_is_gone_are_left_alone(left):
    paths = locate("mine")
    write_fingerprint(paths, StudyFingerprint("s", "d", 10, 0, "run"))
    write_text(paths.storage, "the trials")
    write_text(left(paths), "a model")
    missing = pytest.raises(StudyError, match=r"mine/job\.yaml: missing, but there are trials here; put it back")
    with missing, hold_study(paths):
        pass
    assert paths.storage.read_text() == "the trials"
    assert left(paths).is_file()


@pytest.mark.parametrize("begins", ["before", "in the block"])
def test_a_study_whose_job_is_removed_while_it_runs_stays(here, capsys, begins):
    """As an editor or ``git stash`` does; it was taken for a study that has not begun, and emptied."""
    paths = locate("mine")

    def begin():
        write_fingerprint(paths, StudyFingerprint("s", "d", 10, 0, "run"))
        write_text(paths.storage, "the trials")
        write_text(paths.model(0), "a model")
        write_text(paths.job, "trials: 3")

    if begins == "before":
        begin()
    with hold_study(paths):
        begin()
        paths.job.unlink()
    assert paths.storage.read_text() == "the trials"
    assert paths.model(0).is_file()
    assert "studies/mine/job.yaml: removed while the study ran; put it back to go on" in capsys.readouterr().err


def test_the_job_of_a_study_that_lives_elsewhere_is_that_study():
    paths = locate("deep/er/one")
    write_job(paths, read_job(None, {"data": "digits", "study": "mine"}).job, lambda: "family: plain\n")
    assert locate(read_job(str(paths.job), {}).job.study) == paths
    assert paths.space.read_text() == "family: plain\n"


@pytest.mark.parametrize(
    "name",
    [
        "trials",
        "plots",
        "worker.log",
        "optuna.db",
        "trials/0001",
        "explain",
        "explain/a.png",
        "trials/0001/model.keras",
    ],
)
def test_a_link_that_leads_out_of_a_study_is_refused_before_anything_is_written(name, here):
    """A folder that somebody else has made could have a study write anywhere."""
    outside = here / "outside"
    outside.mkdir()
    paths = locate("./theirs")
    write_text(paths.job, "data: digits\n")
    (paths.path / name).parent.mkdir(parents=True, exist_ok=True)
    (paths.path / name).symlink_to(outside)
    with pytest.raises(StudyError) as refusal, hold_study(paths):
        pass
    assert str(refusal.value).startswith(f"theirs/{name}: a link to {outside}; a study has its files in its own folder")
    assert list(outside.iterdir()) == []


def test_a_link_in_a_circle_is_refused_as_well(here):
    paths = locate("./theirs")
    write_text(paths.job, "data: digits\n")
    loop = paths.trial(1) / "loop"
    loop.parent.mkdir(parents=True)
    loop.symlink_to("loop")
    with (
        pytest.raises(StudyError, match=rf"^theirs/trials/0001/loop: a link to {loop.absolute()}; "),
        hold_study(paths),
    ):
        pass


def test_a_study_that_is_a_link_itself_and_links_within_it_are_fine(here):
    paths = locate("./mine")
    write_text(paths.job, "data: digits\n")
    write_text(paths.best_model, "")
    paths.model(1).parent.mkdir(parents=True)
    paths.model(1).symlink_to(paths.best_model.resolve())
    (paths.path / "plots").symlink_to(paths.path.resolve() / "trials")
    (here / "link").symlink_to(paths.path)
    with hold_study(locate("./link")):
        pass


def test_a_lock_that_is_a_link_leaves_what_it_leads_to_alone(here):
    write_text(here / "theirs.txt", "precious")
    paths = locate("./mine")
    write_text(paths.job, "data: digits\n")
    paths.lock.symlink_to(here / "theirs.txt")
    assert not is_locked(paths)
    with pytest.raises(StudyError), hold_study(paths):
        pass
    assert (here / "theirs.txt").read_text() == "precious"
