"""Studies in a real PostgreSQL server."""

import threading
import time

import optuna
import pytest

from pipeline.errors import StudyError
from pipeline.search.optuna_study import check_server, read_study, remove_study
from pipeline.study.database import ServerDatabase, parse_address
from pipeline.study.trial import EpochReport, TrialResult, TrialState
from tests.postgresql import PASSWORD, QUOTED
from tests.search.test_mirror import fill, open_mirror, same
from tests.search_helpers import begin, open_database
from tests.spaces import CONTINUOUS, space


@pytest.fixture
def wide(tmp_path):
    return space(tmp_path, CONTINUOUS)


@pytest.fixture
def name(postgresql):
    return postgresql.new_database()


@pytest.fixture
def address(postgresql, name):
    return parse_address(postgresql.address(name))


@pytest.mark.parametrize("directions", [("maximize",), ("maximize", "minimize")])
def test_optuna_reads_from_the_server_what_is_in_memory(postgresql, name, directions):
    url = postgresql.address(name).replace("postgresql:", "postgresql+psycopg:")
    study, mirror = open_mirror(url, directions)
    fill(study, mirror.flush)
    again, mirror = open_mirror(url, directions)
    assert [same(trial) for trial in again.trials] == [same(trial) for trial in study.trials]
    waiting = again.ask()
    again.tell(waiting, [0.75 for _ in directions])
    mirror.flush()
    stored = optuna.load_study(study_name="study", storage=url)
    assert [same(trial) for trial in stored.trials] == [same(trial) for trial in again.trials]


def test_two_studies_share_a_database_and_one_is_removed(address, wide):
    one, other = ServerDatabase(address, "one"), ServerDatabase(address, "other")
    for database, score in ((one, 0.25), (other, 0.75)):
        storage = open_database(ServerDatabase(address, database.name, begun=False), wide)
        trial, _ = begin(storage, wide)
        storage.report(EpochReport(trial.number, 1, {"val_accuracy": score}, 1.0))
        storage.tell(TrialResult(trial.number, TrialState.COMPLETE, score, 1))
        assert read_study(database)[0] == storage.records
    assert open_database(one, wide).records[0].score == 0.25
    remove_study(one)
    remove_study(one)  # what has gone is no error
    with pytest.raises(StudyError, match=f"^{address}: holds no study 'one'; give its database with --storage$"):
        read_study(one)
    assert read_study(other)[0][0].score == 0.75


def test_a_name_that_is_taken_is_refused_and_the_study_stays(address, wide):
    new = ServerDatabase(address, "mine", begun=False)
    begin(open_database(new, wide), wide)
    for again in (lambda: check_server(new), lambda: open_database(new, wide)):
        with pytest.raises(StudyError, match="has a study 'mine' already, not begun in this folder; choose another"):
            again()
    assert len(read_study(ServerDatabase(address, "mine"))[0]) == 1


def test_a_database_of_something_else_is_refused_and_stays_as_it_is(postgresql, name, address):
    postgresql.sql(name, "CREATE TABLE customers (id int)")
    for begun in (True, False):
        with pytest.raises(StudyError, match=r"holds other tables \(customers\); name an empty database"):
            check_server(ServerDatabase(address, "mine", begun))
    assert postgresql.sql(name, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'") == "customers"


def test_an_empty_database_is_not_touched_by_reading(postgresql, name, address):
    with pytest.raises(StudyError, match="holds no study; put its tables back, or give the address with --storage"):
        read_study(ServerDatabase(address, "mine"))
    assert postgresql.sql(name, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == "0"


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (lambda server, name: server.address(name, "secret1"), "password authentication failed"),
        (lambda server, name: server.address("nowhere"), 'database "nowhere" does not exist'),
        (lambda server, name: f"postgresql://tester:{QUOTED}@localhost:1/{name}", "refused"),
        (lambda server, name: server.address(name) + "?sslmode=require", "SSL"),
        (lambda server, name: server.address(name) + "?no_such_option=1", "no_such_option"),
    ],
    ids=["password", "database", "nobody listens", "no encryption", "option"],
)
def test_a_server_that_refuses_is_one_line_without_the_password(postgresql, name, wrong, reason):
    address = parse_address(wrong(postgresql, name))
    with pytest.raises(StudyError) as error:
        check_server(ServerDatabase(address, "mine", begun=False))
    text = str(error.value)
    assert text.startswith(f"{address}: the storage failed (")
    assert reason in text
    assert "\n" not in text
    assert not any(secret in text for secret in (PASSWORD, QUOTED, "secret1"))


def test_the_password_comes_from_the_environment_where_the_address_has_none(postgresql, name, wide, monkeypatch):
    address = parse_address(postgresql.address(name, None).replace("127.0.0.1", "localhost"))
    with pytest.raises(StudyError, match="no password supplied"):
        check_server(ServerDatabase(address, "mine", begun=False))
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    check_server(ServerDatabase(address, "mine", begun=False))


def test_without_the_driver_the_command_that_installs_it_is_named(address, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(StudyError, match=r"needs psycopg; run pip install 'convtune\[postgresql\]'"):
        check_server(ServerDatabase(address, "mine"))


def test_a_study_waits_for_a_server_that_restarts(postgresql, address, wide, capsys):
    storage = open_database(ServerDatabase(address, "mine", begun=False), wide)
    begin(storage, wide)
    postgresql.stop()
    begun = threading.Timer(2, postgresql.start)
    begun.start()
    storage.report(EpochReport(0, 1, {"val_accuracy": 0.5}, 1.0))
    begun.join()
    postgresql.stop()
    postgresql.start()  # away between two steps: only the connection is an old one
    storage.tell(TrialResult(0, TrialState.COMPLETE, 0.5, 1))
    assert read_study(ServerDatabase(address, "mine"))[0] == storage.records
    waiting, back = capsys.readouterr().err.splitlines()
    assert waiting.startswith("waiting for the storage (")
    assert back.startswith("the storage is back after ")


def test_what_was_committed_unheard_is_not_written_twice(address, wide, monkeypatch):
    storage = open_database(ServerDatabase(address, "mine", begun=False), wide)
    mirror = storage._storage
    write, calls = mirror._write_changed, []

    def unheard():
        ids, written = dict(mirror._stored_ids), dict(mirror._written)
        write()
        if not calls:
            calls.append(time.time())
            mirror._stored_ids, mirror._written, mirror._in_doubt = ids, written, True
            raise optuna.exceptions.StorageInternalError from _gone()

    monkeypatch.setattr(mirror, "_write_changed", unheard)
    begin(storage, wide)
    assert calls
    stored = optuna.load_study(study_name="mine", storage=check_server(ServerDatabase(address, "mine")))
    assert len(stored.trials) == 1
    assert read_study(ServerDatabase(address, "mine"))[0] == storage.records


def _gone():
    from sqlalchemy.exc import OperationalError

    return OperationalError("COMMIT", {}, Exception("server closed the connection unexpectedly"))


def test_no_server_gets_the_password_in_clear_text_unless_its_user_allows_it(postgresql, name, wide, monkeypatch):
    """The folder of a study may be a stranger's, who names his own server in it."""
    address = parse_address(postgresql.address(name) + "?require_auth=password")
    monkeypatch.delenv("PGREQUIREAUTH", raising=False)
    open_database(ServerDatabase(address, "one", begun=False), wide)
    postgresql.ask_for_the_password_itself(name)
    advice = "server requested a cleartext password.; if you trust it with your password, set PGREQUIREAUTH=password$"
    with pytest.raises(StudyError, match=advice):
        check_server(ServerDatabase(address, "one"))
    monkeypatch.setenv("PGREQUIREAUTH", "password")
    assert check_server(ServerDatabase(address, "one"))
