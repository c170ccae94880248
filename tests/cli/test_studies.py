"""``convtune studies``."""

import json
import shutil

import pytest

from pipeline.cli import main
from pipeline.doctor.studies import check_studies
from pipeline.study.fingerprint import StudyFingerprint, write_fingerprint
from tests.report.made_up import record, study


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_studies_here_and_in_another_folder(here, capsys):
    study(here / "studies" / "mine", [record(0, 0.75, model="m")])
    (here / "studies" / "bad").mkdir()
    (here / "studies" / "bad" / "study.json").write_text("{")
    assert main(["studies"]) == 0
    heading, bad, mine = capsys.readouterr().out.splitlines()
    assert heading.split()[:3] == ["study", "state", "trials"]
    assert bad.split()[:2] == ["bad", "damaged"]
    assert mine.split()[:5] == ["mine", "interrupted", "1", "0", "0.7500"]
    assert main(["studies", str(here / "studies"), "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in listed] == [str(here / "studies" / name) for name in ("bad", "mine")]


def test_where_there_are_none(here, capsys):
    assert main(["studies"]) == 0
    assert capsys.readouterr().out.startswith("No studies in studies. Begin one:  convtune tune --data")
    assert main(["studies", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert main(["studies", "nowhere"]) == 2
    assert "convtune: nowhere: no such folder" in capsys.readouterr().err
    assert list(here.iterdir()) == []


def test_a_study_on_a_server_is_named_with_the_command_that_asks_for_it(here, capsys):
    mine = study(here / "more" / "mine", [record(0)])
    mine.server.write_text('{"address": "postgresql://me@127.0.0.1:1/trials", "study": "mine"}')
    assert main(["studies", "more"]) == 0
    shown = capsys.readouterr()
    assert "unknown" in shown.out
    assert "storage=postgresql://me@127.0.0.1:1/trials" in shown.out
    command = "convtune studies more --storage ADDRESS"
    assert shown.err.splitlines()[-1].endswith(f"; `{command}` asks one of your own")
    asks = command.replace("ADDRESS", "postgresql://me@127.0.0.1:1/trials").split()[1:]
    assert main(asks) == 0
    shown = capsys.readouterr()
    assert "the storage failed (" in shown.out
    assert shown.err == ""
    assert main([*asks, "--json"]) == 0
    [listed] = json.loads(capsys.readouterr().out)
    assert (listed["data"], listed["storage"]) == ("digits", "postgresql://me@127.0.0.1:1/trials")


RUN = (
    "with one run in MLflow, which belongs to one folder alone; deleting that one deletes the run too "
    "(`convtune delete` shows what goes, and asks), and any other gets a run of its own when it goes on"
)
TRIALS = (
    "with the same trials on a server{}, which belong to one folder alone; deleting that one deletes these too "
    "(`convtune delete` shows what goes, and asks), and no other can go on while it is there"
)


@pytest.mark.parametrize(
    ("run", "server", "said"),
    [
        ("r", False, RUN),
        ("r", True, TRIALS.format(" and one run in MLflow")),
        ("", True, TRIALS.format("")),
        ("", False, None),
    ],
)
def test_copies_of_one_study_are_named_with_what_they_share_here_and_by_doctor(here, capsys, run, server, said):
    mine = study(here / "studies" / "mine", [record(0)])
    write_fingerprint(mine, StudyFingerprint("s", "d", 3, 0, run=run, id="i"))
    if server:
        mine.server.write_text('{"address": "postgresql://127.0.0.1:1/trials", "study": "mine"}')
    shutil.copytree(mine.path, here / "studies" / "two")
    assert main(["studies"]) == 0
    told = [line for line in capsys.readouterr().err.splitlines() if "copies" in line]
    assert told == ([f"note: mine, two: copies of one study, {said}"] if said else [])
    findings = [str(finding) for finding in check_studies()]
    assert [f"note: {finding}" for finding in findings if "copies" in finding] == told
