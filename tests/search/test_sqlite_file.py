"""Storages that somebody else has made or damaged: reading them changes nothing, and no answer is made up."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.errors import StudyError
from pipeline.search.optuna_study import read_study, storage_errors
from pipeline.search.sqlite_file import open_for_writing
from tests.report.made_up import record, study
from tests.required import RIGHTS_REQUIRED

ENDLESS = "CREATE VIEW studies AS WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT * FROM o, r"
HOLDS_NONE = "does not hold a study of convtune"


@pytest.fixture
def database(tmp_path):
    return study(tmp_path / "theirs", [record(0)]).storage


def change(database, *statements):
    with closing(sqlite3.connect(database)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


@pytest.mark.parametrize(
    ("statements", "problem"),
    [
        (("DROP TABLE studies",), HOLDS_NONE),
        (("DROP TABLE version_info",), HOLDS_NONE),
        (("DELETE FROM version_info",), "failed"),
        (("DELETE FROM alembic_version",), "failed"),
        (("DROP TABLE alembic_version",), "failed"),
        (("DROP TABLE trial_user_attributes",), "failed"),
        (("DROP TABLE study_directions",), "failed"),
        (("ALTER TABLE studies RENAME TO o", ENDLESS), r"holds a view \(studies\), which Optuna does not write"),
        (
            ("CREATE TRIGGER 'a\x1bb' AFTER INSERT ON trials BEGIN DELETE FROM trials; END",),
            r"holds a trigger \(a\\x1bb\)",
        ),
        (("CREATE VIRTUAL TABLE notes USING fts5(text)",), r"holds a virtual table \(notes\)"),
    ],
)
def test_what_a_storage_lacks_or_should_not_have_is_an_error_and_reading_adds_nothing(database, statements, problem):
    change(database, *statements)
    before = database.read_bytes()
    with pytest.raises(StudyError, match=f"theirs/optuna.db: .*{problem}"):
        read_study(database)
    assert database.read_bytes() == before
    assert [path.name for path in database.parent.glob("optuna.db*")] == ["optuna.db"]


@pytest.mark.parametrize("linked", [False, True])
def test_no_table_is_made_in_a_database_of_another_program(tmp_path, database, linked):
    other = tmp_path / "mail.db"
    change(other, "CREATE TABLE mails (subject TEXT)")
    before = other.read_bytes()
    database.unlink()
    database.symlink_to(other) if linked else other.rename(database)
    with pytest.raises(StudyError, match=HOLDS_NONE):
        read_study(database)
    with pytest.raises(StudyError, match=HOLDS_NONE):
        open_for_writing(database)
    assert database.read_bytes() == before


def test_an_empty_file_stays_empty_when_it_is_read(database):
    database.write_bytes(b"")
    with pytest.raises(StudyError, match=HOLDS_NONE):
        read_study(database)
    assert database.read_bytes() == b""


def test_a_storage_that_was_cut_off_while_its_tables_were_made_is_completed(database):
    change(database, "DROP TABLE alembic_version", "DROP TABLE trial_heartbeats")
    with storage_errors(database):
        open_for_writing(database)
    assert len(read_study(database)[0]) == 1


READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
CAN_MOUNT = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not (CAN_MOUNT or RIGHTS_REQUIRED), reason="mounting a folder read-only needs root")
@pytest.mark.parametrize("has_log", [False, True])
def test_a_study_is_read_in_a_folder_where_nothing_can_be_written(tmp_path, database, has_log):
    """As on a share, or in a backup: the file is marked as one with a write-ahead log for as long as it exists."""
    change(database, "PRAGMA journal_mode=WAL")
    if has_log:
        Path(f"{database}-wal").write_bytes(b"left by a process that was killed")
    script = "import sys, pathlib; from pipeline.search.optuna_study import read_study as read; "
    script += "print(len(read(pathlib.Path(sys.argv[1]))[0]))"
    command = ["unshare", "--mount", "sh", "-c", READ_ONLY, str(database.parent), sys.executable, "-c", script]
    ran = subprocess.run([*command, str(database)], capture_output=True, text=True, check=False)
    if has_log:
        assert "StudyError: " in ran.stderr
        assert ran.stderr.endswith("cannot be read here with the log beside it; copy both to where you may write\n")
    else:
        assert ran.stdout == "1\n", ran.stderr
