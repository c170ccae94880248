"""The space of a job: its file's or the study's own copy, with --set, --limit and --class-weight."""

import pytest

from pipeline.errors import JobError
from pipeline.job.request import read_job
from pipeline.space import load, size
from pipeline.steps.requested_space import describe_replaced, read_space
from pipeline.steps.study_folder import write_job
from pipeline.study.fingerprint import StudyFingerprint, write_fingerprint
from pipeline.study.paths import locate

FLAGS = {"data": "digits", "study": "mine"}
SPACE = "family: plain\nhyperparameters:\n  blocks: {int: [1, 2]}\nlimits: {macs: 100_000}\n"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.yaml").write_text(SPACE)
    return tmp_path


@pytest.fixture
def begun(here):
    """A study that has begun in a space file."""
    paths = locate("mine")
    write_fingerprint(paths, StudyFingerprint("s", "d", 10, 0, "run"))
    write_job(paths, read_job(None, FLAGS | {"space": "own.yaml"}).job, lambda: SPACE)
    return paths


def test_a_resumed_study_has_a_copy_of_its_own(here, begun):
    (here / "own.yaml").unlink()
    assert size(read_space(read_job(None, {"study": "mine"}), begun)) == 2


def test_a_space_that_is_given_again_is_read_again(here, begun):
    (here / "own.yaml").write_text(SPACE.replace("2]", "3]"))
    assert size(read_space(read_job(None, {"study": "mine", "space": "own.yaml"}), begun)) == 3


def test_limits_belong_to_a_study(here):
    requests = [read_job(None, FLAGS | {"space": "own.yaml"} | more) for more in ({}, {"limit": [{"macs": 9}]})]
    spaces = [read_space(request, locate("mine")) for request in requests]
    assert spaces[0].fingerprint != spaces[1].fingerprint
    assert spaces[1].limits == {"macs": 9}


def test_the_flag_at_fault_is_named(here):
    with pytest.raises(JobError, match=r"^--set: .*blokcs"):
        read_space(read_job(None, FLAGS | {"space": "own.yaml", "set": [{"blokcs": 1}]}), locate("mine"))


def test_class_weight_is_a_short_way_to_set_it_and_replaces_what_the_space_searches(here):
    (here / "own.yaml").write_text(SPACE.replace("limits", "  class_weight: {choice: [none, balanced]}\nlimits"))
    flag, by_set = (
        read_job(None, FLAGS | {"space": "own.yaml"} | given)
        for given in ({"class_weight": "balanced"}, {"set": [{"class_weight": "balanced"}]})
    )
    spaces = [read_space(request, locate("mine")) for request in (flag, by_set)]
    assert [size(space) for space in spaces] == [2, 2]
    assert spaces[0].constants["class_weight"] == "balanced"
    assert spaces[0].fingerprint == spaces[1].fingerprint
    searched = load("own.yaml")
    assert size(searched) == 4
    assert describe_replaced(searched, flag.job) == (
        "class_weight is balanced by --class-weight; space own would search none, balanced"
    )
    assert describe_replaced(spaces[0], flag.job) == ""
    assert describe_replaced(searched, by_set.job) == ""
