"""``convtune studies``."""

import json

import pytest

from pipeline.cli import main
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
