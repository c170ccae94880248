import re

import pytest

from pipeline.errors import JobError, StudyError
from pipeline.folder import locate, write
from pipeline.search.candidate import judge
from pipeline.tune.setup import (
    Identity,
    check_same,
    hand_picked,
    opened,
    read_job,
    read_space,
    write_identity,
    write_job,
)

FLAGS = {"data": "digits", "space": None, "try": None, "study": "mine", "trials": "5"}
SPACE = "family: plain\nparameters:\n  blocks: {int: [1, 2]}\n"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def begin(space="own.yaml"):
    asked = read_job(None, FLAGS | {"space": space})
    folder = locate("mine")
    write_identity(folder, Identity("s", "d", 10, 0, "run"))
    write_job(folder, asked.job, lambda: SPACE)
    return folder


def test_what_a_job_file_gives_counts_as_given_beside_flags_that_are_not(here):
    (here / "job.yaml").write_text("data: x\ntry: [{blocks: 2}]\nspace: grid\n")
    asked = read_job("job.yaml", FLAGS)
    assert asked.given == {"data", "try", "space", "study", "trials"}
    assert asked.job.attempts == ({"blocks": 2},)
    assert (asked.job.data, asked.job.space) == ("digits", "grid")


def test_a_study_that_goes_on_brings_its_job_and_its_own_copy_of_the_space(here):
    (here / "own.yaml").write_text(SPACE)
    folder = begin()
    (here / "own.yaml").unlink()
    asked = read_job(None, {"study": "mine", "trials": "9"})
    assert (asked.job.data, asked.job.space, asked.job.trials) == ("digits", "own.yaml", 9)
    assert asked.given == {"study", "trials"}
    assert read_space(asked, folder).size() == 2


def test_the_time_of_one_run_does_not_bound_the_next(here):
    write(locate("mine").job, "data: digits\ntime: 10m\nepochs: 3\n")
    asked = read_job(None, {"study": "mine"}).job
    assert (asked.time, asked.epochs) == (None, 3)
    assert read_job("studies/mine/job.yaml", {}).job.time == 600


def test_the_job_of_a_study_that_lives_elsewhere_is_that_study(here):
    folder = locate("deep/er/one")
    write_job(folder, read_job(None, FLAGS).job, lambda: SPACE)
    assert locate(read_job(str(folder.job), {}).job.study) == folder


def test_a_space_that_is_given_again_is_read_again(here):
    (here / "own.yaml").write_text(SPACE)
    folder = begin()
    (here / "own.yaml").write_text(SPACE.replace("2]", "3]"))
    asked = read_job(None, {"study": "mine", "space": "own.yaml"})
    assert read_space(asked, folder).size() == 3


@pytest.mark.parametrize(
    ("change", "begun"),
    [
        ({"space": "x"}, "a different space"),
        ({"dataset": "x"}, "different data"),
        ({"epochs": 3}, "--epochs 10;"),
        ({"seed": 8}, "--seed 0;"),
        ({"objective": "accuracy,macs"}, "--objective accuracy;"),
        ({"code": "c"}, "another HyperModel, or another version of its file;"),
    ],
)
def test_a_study_keeps_its_identity(here, change, begun):
    (here / "own.yaml").write_text(SPACE)
    folder = begin()
    same = {"space": "s", "dataset": "d", "epochs": 10, "seed": 0}
    assert check_same(folder, Identity(**same)) == "run"
    with pytest.raises(StudyError, match=f"was begun with {begun}"):
        check_same(folder, Identity(**same | change))


LIMITED = SPACE + "start_from: {small: {blocks: 1}, large: {blocks: 2}}\nlimits: {macs: 100_000}\n"


@pytest.fixture
def picked(here):
    """The points of a study on 8x8 digits with some flags."""
    (here / "own.yaml").write_text(LIMITED)

    def points(**flags):
        asked = read_job(None, FLAGS | {"space": "own.yaml"} | flags)
        space = read_space(asked, locate("mine"))
        return hand_picked(space, lambda values: judge(space, values, (8, 8, 1), 10), asked, begun=False)

    return points


def test_start_points_over_a_limit_are_left_out_with_a_reason(picked):
    points = picked()
    assert [candidate.values["blocks"] for candidate in points.candidates] == [1]
    (line,) = points.left_out
    assert re.fullmatch(r"start point large left out: macs: [\d,]+ is more than the limit of 100,000", line)


def test_limits_can_be_lifted_and_start_points_tried_by_name_each_once(picked):
    points = picked(**{"limit": ["macs=none"], "try": ["large"]})
    assert [candidate.values["blocks"] for candidate in points.candidates] == [2, 1]
    assert points.left_out == ()
    with pytest.raises(JobError, match=r"--try: macs: [\d,]+ is more than the limit of 100,000"):
        picked(**{"try": ["large"]})


def test_limits_belong_to_a_study(here):
    (here / "own.yaml").write_text(LIMITED)
    asked = [read_job(None, FLAGS | {"space": "own.yaml", "limit": limit}) for limit in (None, "macs=9")]
    spaces = [read_space(one, locate("mine")) for one in asked]
    assert spaces[0].fingerprint != spaces[1].fingerprint
    assert spaces[1].limits == {"macs": 9}
    assert read_job(None, FLAGS).job.as_file().keys().isdisjoint({"limit", "limits"})


def test_a_folder_of_something_else_is_refused_and_left_alone():
    folder = locate("./theirs")
    write(folder.storage, "somebody's own")
    with pytest.raises(StudyError, match=r"holds no study but 'optuna\.db'"), opened(folder):
        pass
    assert folder.storage.read_text() == "somebody's own"


def fails_while_setting_up(name):
    with opened(locate(name)):
        write(locate(name).plots / "x.png", "")
        raise JobError("no")


def test_what_failed_before_the_study_began_leaves_nothing(here):
    with pytest.raises(JobError):
        fails_while_setting_up("a/b/c")
    assert list(here.iterdir()) == []


def test_what_failed_in_an_old_empty_folder_leaves_the_folder(here):
    (here / "old").mkdir()
    with pytest.raises(JobError):
        fails_while_setting_up("./old")
    assert list((here / "old").iterdir()) == []


def test_trials_whose_job_is_gone_are_left_alone(here):
    folder = begin()
    folder.job.unlink()
    write(folder.storage, "the trials")
    write(folder.model(0), "a model")
    missing = pytest.raises(StudyError, match=r"mine/job\.yaml: missing, but there are trials here; put it back")
    with missing, opened(folder):
        pass
    assert folder.storage.read_text() == "the trials"
    assert folder.model(0).is_file()
