"""Storages that are damaged, or made by somebody else."""

import json
import sqlite3
from contextlib import closing

import pytest

from pipeline.errors import StudyError
from pipeline.report.study_trials import read_trials
from pipeline.search.attributes import OUTCOME, REQUEST
from pipeline.search.importance import read_importances
from pipeline.search.optuna_study import read_study
from tests.report.made_up import record, study


@pytest.fixture
def stored(tmp_path):
    """A study of one trial, and a function that changes parts of what its storage says of it."""
    paths = study(tmp_path / "mine", [record(0, model="model.keras")])

    def change(key, **parts):
        with closing(sqlite3.connect(paths.storage)) as database:
            where = "trial_system_attributes WHERE key = ?"
            ((text,),) = database.execute(f"SELECT value_json FROM {where}", [key])
            changed = json.dumps(json.loads(text) | parts)
            database.execute(f"UPDATE {where.replace('WHERE', 'SET value_json = ? WHERE')}", [changed, key])
            database.commit()

    return paths, change


@pytest.mark.parametrize(
    ("key", "parts", "what"),
    [
        (REQUEST, {"number": "../../etc"}, "a trial whose number is '../../etc'"),
        (REQUEST, {"number": -1}, "a trial whose number is '-1'"),
        (REQUEST, {"number": True}, "a trial whose number is 'True'"),
        (REQUEST, {"params": [1]}, "a trial whose params is '[1]'"),
        (REQUEST, {"params": {"blocks": None}}, "a trial whose params is"),
        (REQUEST, {"costs": {"macs": "many"}}, "a trial whose costs is"),
        (OUTCOME, {"score": "0.9"}, "a trial whose score is '0.9'"),
        (OUTCOME, {"seconds": float("nan")}, "a trial whose seconds is 'nan'"),
        (OUTCOME, {"seconds": 1e12}, "a trial whose seconds is '1000000000000.0'"),
        (REQUEST, {"began": 1e12}, "a trial whose began is '1000000000000.0'"),
        (REQUEST, {"began": -1}, "a trial whose began is '-1'"),
        (OUTCOME, {"state": "splendid"}, "'splendid' is not a valid TrialState"),
        (OUTCOME, {"more": 1}, "unexpected keyword argument 'more'"),
    ],
)
def test_what_cannot_be_is_one_line(stored, key, parts, what):
    paths, change = stored
    change(key, **parts)
    with pytest.raises(StudyError) as refusal:
        read_study(paths.storage)
    assert str(refusal.value).startswith(f"{paths.storage}: damaged (")
    assert what in str(refusal.value)
    assert "\n" not in str(refusal.value)
    with pytest.raises(StudyError):
        read_trials(str(paths.path))


def test_a_storage_without_its_tables_is_one_line(tmp_path):
    paths = study(tmp_path / "mine", [record(0)])
    with closing(sqlite3.connect(paths.storage)) as database:
        database.execute('UPDATE trial_params SET distribution_json = \'{"name": "IntDistribution"}\'')
        database.commit()
    with pytest.raises(StudyError, match="damaged"):
        read_importances(paths)
