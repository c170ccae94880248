"""Who holds a study in a real PostgreSQL server: one process at a time, whatever folders it has."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.errors import StudyError
from pipeline.search.optuna_study import remove_study
from pipeline.search.server_hold import held
from pipeline.study.database import ServerDatabase, parse_address
from pipeline.study.trial import EpochReport
from tests.postgresql import PASSWORD
from tests.search_helpers import begin, open_database
from tests.spaces import CONTINUOUS, space

ROOT = Path(__file__).resolve().parents[2]

HOLDS = """
import sys
from pipeline.search.server_hold import held
from pipeline.study.database import ServerDatabase, parse_address
with held(ServerDatabase(parse_address(sys.argv[1]), sys.argv[2])):
    print("held", flush=True)
    input()
"""


@pytest.fixture
def name(postgresql):
    return postgresql.new_database()


@pytest.fixture
def database(postgresql, name):
    return ServerDatabase(parse_address(postgresql.address(name)), "mine")


def holding(database):
    """Another process that holds the study, if it may, until it is killed or told to end."""
    return subprocess.Popen(
        [sys.executable, "-c", HOLDS, database.address, database.name],
        env=os.environ | {"PYTHONPATH": str(ROOT), "PGPASSWORD": PASSWORD},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def other(database):
    process = holding(database)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def free_soon(database):
    """Whether it is free within a few seconds: the server has to notice that a connection is gone."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            with held(database):
                return True
        except StudyError:
            time.sleep(0.1)
    return False


def test_a_second_process_is_told_who_holds_it_until_that_one_is_killed(database, other):
    message = rf"^{database.address}: another process runs the study 'mine' \(process {other.pid} on host .+, since "
    message += r"\d{4}-\d\d-\d\d \d\d:\d\d\); wait for it, end it, or choose another --study$"
    with pytest.raises(StudyError, match=message), held(database):
        pass
    with pytest.raises(StudyError, match="another process runs"):
        remove_study(database)
    with held(ServerDatabase(database.address, "another")):
        pass
    other.kill()
    assert free_soon(database)


def test_a_holder_that_ends_lets_go_and_one_process_may_hold_it_twice(database, other):
    other.communicate("\n")
    with held(database), held(ServerDatabase(database.address, "mine", begun=False)):
        pass
    assert free_soon(database)


@pytest.mark.parametrize("faster", [False, True])
def test_after_a_restart_of_the_server_the_study_is_held_again_or_ends(postgresql, name, tmp_path, faster):
    """Between its restart and the next write another process may have taken the study."""
    database = ServerDatabase(parse_address(postgresql.address(name)), "mine", begun=False)
    wide = space(tmp_path, CONTINUOUS)
    with held(database):
        storage = open_database(database, wide)
        begin(storage, wide)
        postgresql.stop()
        postgresql.start()
        report = EpochReport(0, 1, {"val_accuracy": 0.5}, 1.0)
        if not faster:
            storage.report(report)
        with holding(database) as process:
            if faster:
                assert process.stdout.readline() == "held\n"
                with pytest.raises(StudyError, match=f"another process runs .*process {process.pid} on host"):
                    storage.report(report)
                process.communicate("\n")
            else:
                assert re.search(rf"another process runs .*process {os.getpid()} on host", process.communicate()[1])


def test_a_connection_that_was_lost_and_still_holds_it_is_ended(database):
    """As after a fault of the network: the server believes in the old connection."""
    from pipeline.search import server_hold

    with held(database):
        (hold,) = server_hold._holds.values()
        lost, hold._connection = hold._connection, None
        server_hold.hold_on(database)
        assert hold._connection is not None
        lost.invalidate()
    assert free_soon(database)
