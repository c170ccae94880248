"""Which folder owns what a study has elsewhere, by the folder that is noted there."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.study.copies import Machine, NotedFolder, copies_among, other_owner, possible_owner
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


def another_number(paths):
    return replace(Machine.of(paths), number=f"{Machine.of(paths).number}0")


@given(st.text(min_size=1), st.integers(0, 2**64))
def test_a_machine_is_read_as_it_was_noted(host, number):
    machine = Machine(host, str(number))
    assert str(machine) == f"{host} {number}", "the notes of earlier versions"
    assert Machine.parse(str(machine)) == machine


def test_a_study_owns_what_notes_its_folder(mine, copy, tmp_path):
    (tmp_path / "link").symlink_to(mine)
    for noted in (mine, tmp_path / "link", mine / ".." / "mine"):
        for owner in (other_owner, possible_owner):
            assert owner(NotedFolder(noted), StudyPaths(mine)) is None
            assert owner(NotedFolder(noted), copy) == NotedFolder(noted)


def test_a_folder_that_was_moved_is_no_copy(mine, copy):
    shutil.rmtree(mine)
    for owner in (other_owner, possible_owner):
        assert owner(NotedFolder(mine), copy) is None
        assert owner(NotedFolder(mine, another_number(copy)), copy) is None  # as on another drive
        assert owner(None, copy) is None


def test_what_lies_on_another_host_is_taken_by_who_goes_on_and_not_deleted(mine, copy):
    """Whether that folder is still there cannot be seen: it may have been moved here, or this one be its copy."""
    for folder in (mine.with_name("gone"), copy.path):
        noted = NotedFolder(folder, replace(another_number(copy), host="another host"))
        assert other_owner(noted, copy) is None
        assert possible_owner(noted, copy) == noted
        assert str(noted) == f"{folder} on host another host"
    assert str(NotedFolder(Path("a\x1b"), Machine.of(copy))) == r"a\x1b"


def test_a_folder_that_hosts_share_is_the_same_on_each(copy):
    """So it is for a container that has a new name at each start."""
    noted = NotedFolder(copy.path, replace(Machine.of(copy), host="another"))
    assert possible_owner(noted, copy) is None
    assert not noted.is_elsewhere(copy)


def test_where_the_folder_above_cannot_be_listed_no_copy_is_found(copy, monkeypatch):
    def denied(folder):
        raise PermissionError

    monkeypatch.setattr(Path, "iterdir", denied)
    assert possible_owner(None, copy) is None


@pytest.mark.parametrize("content", [None, "{", '{"space": "s", "dataset": "d", "epochs": 3, "seed": 0}'])
def test_what_took_its_place_is_not_the_study(mine, copy, content):
    (mine / "study.json").unlink()
    if content is not None:
        (mine / "study.json").write_text(content)
    assert other_owner(NotedFolder(mine), copy) is possible_owner(NotedFolder(mine), copy) is None


@pytest.mark.parametrize("noted", [None, "gone", "\0"])
def test_where_the_noted_folder_is_gone_a_copy_beside_it_may_own_what_would_be_deleted(mine, copy, tmp_path, noted):
    noted = noted and NotedFolder(tmp_path / noted)
    assert other_owner(noted, copy) is None  # whoever goes on takes it
    assert possible_owner(noted, copy) == NotedFolder(mine)
    begun(tmp_path / "another", run="r", id="j")
    shutil.rmtree(mine)
    assert possible_owner(noted, copy) is None
    begun(mine, run="of its own", id="i")  # it went on as a copy
    assert possible_owner(noted, copy) is None


def test_studies_of_an_older_version_are_known_by_their_runs(tmp_path):
    old, copy, other = (begun(tmp_path / name, run=run) for name, run in (("a", "r"), ("b", "r"), ("c", "")))
    assert other_owner(NotedFolder(old), StudyPaths(copy)) == NotedFolder(old)
    assert other_owner(NotedFolder(old), StudyPaths(other)) is possible_owner(None, StudyPaths(other)) is None


def test_copies_among_folders_are_those_with_the_study_and_the_run_or_trials_of_another(mine, copy, tmp_path):
    (tmp_path / "link").symlink_to(mine)
    begun(tmp_path / "went on", run="of its own", id="i")
    begun(tmp_path / "old")
    begun(tmp_path / "older")
    folders = [StudyPaths(folder) for folder in (*sorted(tmp_path.iterdir()), tmp_path / "gone", tmp_path / "gone too")]
    [copies] = copies_among(folders)
    assert ([paths.path.name for paths in copies.folders], copies.run, copies.trials) == (["copy", "link"], True, False)
    shutil.rmtree(copy.path)
    assert copies_among(folders) == []


def test_copies_of_a_study_that_has_nothing_elsewhere_are_as_good_as_two_studies(tmp_path):
    """MLflow was away from the beginning: the first that goes on has the first run."""
    folders = [StudyPaths(begun(tmp_path / "here", id="i")), StudyPaths(begun(tmp_path / "there", id="i"))]
    assert copies_among(folders) == []
    for paths in folders:
        paths.server.touch()
    assert [(copies.run, copies.trials) for copies in copies_among(folders)] == [(False, True)]
