import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import StudyError
from pipeline.study.database import (
    ServerDatabase,
    choose_database,
    database_of,
    find_database,
    note_database,
    parse_address,
)
from pipeline.study.paths import StudyPaths


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1), st.booleans())
def test_a_password_is_remembered_and_never_part_of_the_address(password, in_query):
    secret = quote(password, safe="")
    where = f"/db?password={secret}" if in_query else "/db"
    address = parse_address(f"postgresql://me{'' if in_query else ':' + secret}@host{where}")
    assert address == "postgresql://me@host/db"
    assert ServerDatabase(address, "s").password == password


@pytest.mark.parametrize(
    ("written", "address", "password"),
    [
        ("postgresql://h/db", "postgresql://h/db", None),
        ("postgres://u1@h:1/db", "postgresql://u1@h:1/db", None),
        ("postgresql+psycopg://u2:a@b/c:d@h/db", "postgresql://u2@h/db", "a@b/c:d"),
        ("postgresql://u3:x@[::1]:5/db", "postgresql://u3@[::1]:5/db", "x"),
        ("postgresql:///db3?host=/run/pg&password=x", "postgresql:///db3?host=/run/pg", "x"),
        ("  postgresql://u4:x@h/d{b}?sslmode=require ", "postgresql://u4@h/d{b}?sslmode=require", "x"),
    ],
)
def test_addresses_as_people_write_them(written, address, password):
    assert parse_address(written) == address
    assert ServerDatabase(address, "s").password == password
    assert parse_address(address) == address


@pytest.mark.parametrize(
    "wrong",
    [
        3,
        None,
        "",
        "db",
        "mysql://u:pw@h/db",
        "sqlite:///optuna.db",
        "postgresql://h",
        "postgresql://h/",
        "postgresql:/h/d",
    ],
)
def test_anything_else_is_refused(wrong):
    with pytest.raises(ValueError, match="expected a PostgreSQL database as postgresql://user@host/database"):
        parse_address(wrong)


def test_other_secrets_have_no_place_in_an_address():
    with pytest.raises(ValueError, match="expected no sslpassword in the address"):
        parse_address("postgresql://h/db?sslpassword=pw")


def test_an_address_cannot_have_the_driver_write_a_file(tmp_path):
    """An address may come from a job or a study of somebody else."""
    address = f"postgresql://h/db?sslkeylogfile={tmp_path}/keys"
    with pytest.raises(ValueError, match="expected no sslkeylogfile in the address"):
        parse_address(address)
    paths = StudyPaths(tmp_path)
    paths.server.write_text(json.dumps({"address": address, "study": "s"}))
    with pytest.raises(StudyError):
        database_of(paths)


def test_a_folder_says_where_its_study_is(tmp_path):
    paths, address = StudyPaths(tmp_path), "postgresql://me@h/db"
    assert database_of(paths) == paths.storage
    assert find_database(paths) is None
    new = choose_database(paths, address)
    assert new == ServerDatabase(address, tmp_path.name, begun=False)
    note_database(paths, new)
    assert database_of(paths) == choose_database(paths, address) == ServerDatabase(address, tmp_path.name)
    assert find_database(paths) == database_of(paths)
    moved = "postgresql://me@elsewhere/db"
    assert choose_database(paths, moved) == ServerDatabase(moved, tmp_path.name)
    assert paths.own == [paths.server]


@pytest.mark.parametrize("lost", ["missing", "empty"])
def test_a_file_of_trials_that_was_lost_is_not_taken_for_one_that_is_yet_to_be_made(tmp_path, lost):
    paths = StudyPaths(tmp_path)
    paths.trial(0).mkdir(parents=True)
    if lost == "empty":
        paths.storage.touch()
    else:
        assert find_database(paths) is None
    paths.history(0).touch()
    what = r" \(or storage\.json, of a study on a server\): missing" if lost == "missing" else ": empty"
    with pytest.raises(StudyError, match=rf"optuna\.db{what}, but there are trials here; put it back, or choose"):
        find_database(paths)
    paths.storage.write_text("trials")
    assert find_database(paths) == paths.storage


def test_a_study_that_began_in_its_folder_stays_there(tmp_path):
    paths = StudyPaths(tmp_path)
    paths.job.write_text("data: digits\n")
    assert choose_database(paths, "") == paths.storage
    with pytest.raises(StudyError, match=r"--storage: expected none, since .* keeps its trials in optuna\.db"):
        choose_database(paths, "postgresql://h/db")


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"address": "mysql://h/d", "study": "s"}', b"\xff"])
def test_a_damaged_file_is_an_error_of_one_line(tmp_path, content):
    paths = StudyPaths(tmp_path)
    paths.server.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(StudyError, match=r"storage\.json: expected the address of a database") as error:
        database_of(paths)
    assert "\n" not in str(error.value)
