import errno
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from pipeline.errors import StudyError
from pipeline.study.holder import read_holder, this_process, write_holder
from pipeline.study.lock import is_locked, locked
from pipeline.study.paths import locate

ROOT = Path(__file__).resolve().parents[2]

HOLDS = """
from pipeline.study.lock import locked
from pipeline.study.paths import locate
with locked(locate("mine")):
    print("held", flush=True)
    input()
"""


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


@pytest.fixture
def other(here):
    """Another process that holds the study until it is killed or told to end."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS],
        cwd=here,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_who_is_refused_is_told_who_holds_it(other):
    message = (
        rf"studies/mine: .* \(process {other.pid} on host .+, since \d{{4}}-\d\d-\d\d \d\d:\d\d\); wait for it, end"
    )
    with pytest.raises(StudyError, match=message), locked(locate("mine")):
        pass
    assert read_holder(locate("mine")).pid == other.pid


def test_a_holder_that_lets_go_leaves_nothing_to_tell(other):
    other.communicate("\n")
    with locked(locate("mine")) as before:
        assert before is None
    assert not locate("mine").holder.exists()


def test_a_holder_that_was_killed_is_known_and_holds_nothing(other):
    other.kill()
    other.wait()
    with locked(locate("mine")) as before:
        assert (before.pid, before.has_ended) == (other.pid, True)
        assert read_holder(locate("mine")).pid == os.getpid()


def test_the_lock_decides_not_what_stands_beside_it(other):
    for text in ("", "[]", '{"host": "a", "pid": "?", "since": 0, "began": 0}', '{"host": "a"}'):
        locate("mine").holder.write_text(text)
        with pytest.raises(StudyError, match="another process runs this study; wait"), locked(locate("mine")):
            pass


def test_a_lock_that_outlives_its_holder_is_named(other):
    write_holder(locate("mine"), replace(this_process(), pid=other.pid, began="1"))
    message = rf"still locked, though its process has ended \(process {other.pid} "
    with pytest.raises(StudyError, match=message), locked(locate("mine")):
        pass


@pytest.mark.parametrize(
    ("changes", "ended"),
    [
        ({}, False),
        ({"began": "1"}, True),
        ({"began": ""}, False),
        ({"began": "1", "host": "elsewhere"}, False),
        ({"space": "that of a container"}, True),
        ({"boot": "an earlier one"}, True),
        ({"boot": "another", "host": "elsewhere"}, False),
    ],
)
def test_a_process_has_ended_if_this_host_does_not_run_the_same_one(changes, ended):
    assert replace(this_process(), **changes).has_ended is ended
    assert this_process().host == socket.gethostname()


def test_a_clock_that_is_set_ends_no_process(other, monkeypatch):
    """psutil derives the start of a process from the clock: here it has been set forward by an hour."""
    real = psutil.Process.create_time
    monkeypatch.setattr("psutil.Process.create_time", lambda self: real(self) + 3600)
    assert not read_holder(locate("mine")).has_ended
    refused = rf"another process runs this study \(process {other.pid} "
    with pytest.raises(StudyError, match=refused), locked(locate("mine")):
        pass


@pytest.mark.parametrize("elsewhere", [{"boot": "another"}, {"space": "that of a container"}])
def test_who_holds_it_on_another_machine_or_in_a_container_of_the_same_name_is_not_called_ended(other, elsewhere):
    write_holder(locate("mine"), replace(this_process(), pid=other.pid, began="1", **elsewhere))
    with pytest.raises(StudyError, match="another process runs this study"), locked(locate("mine")):
        pass


def test_a_killed_process_has_ended_before_its_parent_takes_notice(other):
    other.kill()
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
    assert read_holder(locate("mine")).has_ended


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_one_line(monkeypatch, number):
    """Only the kernel's answer is made up: it comes from NFS without its lock daemon, and from some mounted drives."""

    def refuse(fd, operation):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", refuse)
    message = rf"^studies/mine: its file system cannot lock files \({os.strerror(number)}\); choose a --study path on"
    with pytest.raises(StudyError, match=message), locked(locate("mine")):
        pass
    assert not is_locked(locate("mine"))


def test_where_flock_is_missing_one_process_at_a_time_still_runs_it(monkeypatch, recwarn):
    """filelock makes do with the file itself, without a word."""

    def missing(fd, operation):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr("fcntl.flock", missing)
    with locked(locate("mine")), pytest.raises(StudyError, match="another process runs"), locked(locate("mine")):
        pass
    assert not recwarn.list
