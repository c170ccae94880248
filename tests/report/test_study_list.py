"""The list of the studies in a folder."""

import io
import json
import socket
import sqlite3
from datetime import datetime

import pytest
from rich.console import Console

from pipeline.errors import StudyError
from pipeline.report.study_list import list_studies, render_studies, servers_not_asked, studies_in
from pipeline.search.stop_reason import StopReason
from pipeline.study.lock import locked
from pipeline.study.paths import StudyPaths
from pipeline.study.trial import TrialState
from tests.report.made_up import record, study

BEGAN = 1_700_000_000.0
DONE = StopReason.TRIALS_DONE


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A complete study, a cut off one, one without trials, four damaged ones, and what is no study."""
    root = tmp_path_factory.mktemp("studies")
    records = [record(0, 0.7, model="m", began=BEGAN), record(1, 0.9, model="m", began=BEGAN + 60, seconds=30.0)]
    study(root / "complete", records, reason=DONE)
    study(root / "cut", [record(0, None, TrialState.RUNNING, began=BEGAN)])
    study(root / "empty", [])
    study(root / "no-job", [record(0)]).job.unlink()
    (root / "no-job" / "trials").mkdir()
    study(root / "no-storage", [record(0)]).storage.unlink()
    (root / "no-storage" / "trials" / "0000").mkdir(parents=True)
    StudyPaths(root / "no-storage").history(0).write_text("epoch\n")
    study(root / "torn", [record(0)]).storage.write_bytes(b"SQLite")
    odd = study(root / "odd\x1b[31m", [record(0)])
    with sqlite3.connect(odd.storage) as database:
        database.execute("UPDATE trial_system_attributes SET value_json = '[1'")
    (root / "notes").mkdir()
    (root / "notes.txt").touch()
    return root


@pytest.fixture(scope="module")
def listed(folder):
    return {one.name.rpartition("/")[2]: one for one in list_studies(studies_in(folder))}


def test_what_is_listed_and_how_it_stands(listed):
    states = {name: one.state.value for name, one in listed.items()}
    assert states == {
        "complete": "complete",
        "cut": "interrupted",
        "empty": "interrupted",
        **dict.fromkeys(("no-job", "no-storage", "torn", "odd\x1b[31m"), "damaged"),
    }


def test_what_a_study_has_found(listed):
    one = listed["complete"]
    assert (one.data, one.space, one.metric, one.trials) == ("digits", "quick", "accuracy", 2)
    assert (one.best, one.score, one.last_run) == (1, 0.9, BEGAN + 90)
    assert listed["cut"].best is None


def test_each_fault_says_where_it_is(listed):
    problems = {name: one.problem for name, one in listed.items() if one.problem}
    assert "no-job/job.yaml: missing" in problems["no-job"]
    assert "no-storage/optuna.db (or storage.json, of a study on a server): missing" in problems["no-storage"]
    assert "torn/optuna.db: Optuna's storage failed" in problems["torn"]
    assert "JSONDecodeError" in problems["odd\x1b[31m"]


def test_a_study_that_runs(tmp_path):
    paths = study(tmp_path / "s", [record(0, None, TrialState.RUNNING)], reason=DONE)
    with locked(paths):
        [one] = list_studies([paths])
    assert one.state.value == "running"
    assert list_studies([paths])[0].state.value == "complete"


def test_no_server_is_asked_because_a_folder_names_it(tmp_path):
    """The folder may be from somebody else. The server of this test would hear of any connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"postgresql://me@127.0.0.1:{server.getsockname()[1]}/trials"
        paths = study(tmp_path / "s", [record(0)])
        paths.server.write_text(json.dumps({"address": address, "study": "s"}))
        [one] = studies = list_studies([paths], server="postgresql://me@127.0.0.1/trials")
        with locked(paths):
            assert list_studies([paths])[0].state.value == "running"
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()
    assert (one.state.value, one.problem, one.trials, one.data, one.storage) == ("unknown", "", None, "digits", address)
    fact, advice = servers_not_asked(studies, "convtune studies")
    assert fact == f"1 study keeps its trials on a server that was not asked, {address}"
    assert advice == "`convtune studies --storage ADDRESS` asks one of your own"


def test_of_a_study_whose_server_is_away_its_files_tell(tmp_path):
    paths = study(tmp_path / "s", [record(0)])
    address = "postgresql://me@127.0.0.1:1/trials"
    paths.server.write_text(json.dumps({"address": address, "study": "s"}))
    with locked(paths):
        [one] = studies = list_studies([paths], server=address)
    assert (one.state.value, one.data, one.space, one.metric) == ("running", "digits", "quick", "accuracy")
    assert (one.storage, one.trials) == (address, None)
    assert one.problem.startswith(f"{address}: the storage failed (")
    assert servers_not_asked(studies, "convtune studies") is None, "it was asked"
    assert list_studies([paths], server=address)[0].state.value == "unknown"


def test_each_server_that_was_not_asked_is_named_and_none_is_chosen_for_the_reader(tmp_path):
    """One may be that of a study that came by mail, and a client may send it a password."""
    addresses = [f"postgresql://me@{host}/trials" for host in ("evil.example.org", "mine", "mine")]
    for number, address in enumerate(addresses):
        paths = study(tmp_path / f"{number}", [])
        paths.server.write_text(json.dumps({"address": address, "study": "s"}))
    told = servers_not_asked(list_studies(studies_in(tmp_path)), "convtune studies")
    assert told == (
        "3 studies keep their trials on servers that were not asked, postgresql://me@evil.example.org/trials, "
        "postgresql://me@mine/trials",
        "`convtune studies --storage ADDRESS` asks one of your own",
    )


def test_a_row_is_one_line_in_a_pipe_and_fits_80_columns_on_a_terminal(listed):
    def lines(width):
        file = io.StringIO()
        Console(file=file, width=width).print(render_studies(list(listed.values())))
        return file.getvalue().splitlines()

    assert len(lines(10_000)) == 1 + len(listed)
    assert not any("\x1b" in line for line in lines(10_000))
    assert max(len(line.rstrip()) for line in lines(80)) <= 80


def test_programs_get_plain_values(listed):
    values = listed["complete"].as_json()
    assert datetime.fromisoformat(values["last_run"]).timestamp() == BEGAN + 90
    assert (values["state"], values["problem"], values["score"]) == ("complete", None, 0.9)
    assert listed["torn"].as_json()["last_run"] is None


def test_a_folder_that_is_a_study_and_one_that_is_not_there(folder):
    assert studies_in(folder / "complete") == [StudyPaths(folder / "complete")]
    assert studies_in(folder / "notes") == []
    for name in ("nowhere", "notes.txt"):
        with pytest.raises(StudyError, match="no such folder"):
            studies_in(folder / name)
