"""Which folder owns what a study has elsewhere, by the folder that is noted there."""

import shutil

import pytest

from pipeline.study.copies import other_owner, possible_owner
from pipeline.study.fingerprint import StudyFingerprint, write_fingerprint
from pipeline.study.paths import StudyPaths


def begun(folder, **changes):
    folder.mkdir(parents=True)
    write_fingerprint(StudyPaths(folder), StudyFingerprint("s", "d", 3, 0, **changes))
    return folder


@pytest.fixture
def mine(tmp_path):
    return begun(tmp_path / "mine", run="r", id="i")


@pytest.fixture
def copy(mine, tmp_path):
    return StudyPaths(shutil.copytree(mine, tmp_path / "copy"))


def test_a_study_owns_what_notes_its_folder(mine, copy, tmp_path):
    (tmp_path / "link").symlink_to(mine)
    for noted in (mine, tmp_path / "link", mine / ".." / "mine"):
        for owner in (other_owner, possible_owner):
            assert owner(noted, StudyPaths(mine)) is None
            assert owner(noted, copy) == noted


def test_a_folder_that_was_moved_is_no_copy(mine, copy):
    shutil.rmtree(mine)
    for owner in (other_owner, possible_owner):
        assert owner(mine, copy) is None
        assert owner(None, copy) is None


@pytest.mark.parametrize("content", [None, "{", '{"space": "s", "dataset": "d", "epochs": 3, "seed": 0}'])
def test_what_took_its_place_is_not_the_study(mine, copy, content):
    (mine / "study.json").unlink()
    if content is not None:
        (mine / "study.json").write_text(content)
    assert other_owner(mine, copy) is possible_owner(mine, copy) is None


@pytest.mark.parametrize("noted", [None, "gone", "\0"])
def test_where_the_noted_folder_is_gone_a_copy_beside_it_may_own_what_would_be_deleted(mine, copy, tmp_path, noted):
    noted = noted and tmp_path / noted
    assert other_owner(noted, copy) is None  # whoever goes on takes it
    assert possible_owner(noted, copy) == mine
    begun(tmp_path / "another", run="r", id="j")
    shutil.rmtree(mine)
    assert possible_owner(noted, copy) is None
    begun(mine, run="of its own", id="i")  # it went on as a copy
    assert possible_owner(noted, copy) is None


def test_studies_of_an_older_version_are_known_by_their_runs(tmp_path):
    old, copy, other = (begun(tmp_path / name, run=run) for name, run in (("a", "r"), ("b", "r"), ("c", "")))
    assert other_owner(old, StudyPaths(copy)) == old
    assert other_owner(old, StudyPaths(other)) is possible_owner(None, StudyPaths(other)) is None
