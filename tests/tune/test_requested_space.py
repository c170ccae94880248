"""The space of a job: its file's or the study's own copy, with --set and --limit."""

import pytest

from pipeline.errors import JobError
from pipeline.job.request import read_job
from pipeline.space import size
from pipeline.study.fingerprint import StudyFingerprint, write_fingerprint
from pipeline.study.paths import locate
from pipeline.tune.requested_space import read_space
from pipeline.tune.study_folder import write_job

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
