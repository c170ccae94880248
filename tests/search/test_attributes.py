"""What a person sees who opens a study's database with Optuna, and studies that an older version stored."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing

import optuna
import pytest
from optuna.trial import TrialState as OptunaState

from pipeline.search.attributes import OUTCOME, REQUEST
from pipeline.search.optuna_study import read_study
from pipeline.search.pruners import PRUNERS
from pipeline.search.storage import StudyStorage
from pipeline.study.objective import Objective
from pipeline.study.trial import Decision, EpochReport, TrialResult, TrialState
from tests.search_helpers import begin, open_storage
from tests.spaces import CONTINUOUS, space

ABOUT = {"data": "photos", "space": "tiny", "epochs": 4}

OPTUNA_ALONE = """
import json, sys, warnings
import optuna
optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.simplefilter("ignore")
study = optuna.load_study(study_name=None, storage="sqlite:///optuna.db")
trials = [
    {"state": trial.state.name, "values": trial.values, "params": trial.params, "by_epoch": trial.intermediate_values,
     "attributes": trial.user_attrs, "constraints": trial.constraints}
    for trial in study.trials
]
print(json.dumps({
    "name": study.study_name, "directions": [one.name for one in study.directions], "names": study.metric_names,
    "attributes": study.user_attrs, "columns": list(study.trials_dataframe().columns), "trials": trials,
}))
assert not any(name.split(".")[0] == "pipeline" for name in sys.modules)
"""


@pytest.fixture
def wide(tmp_path):
    return space(tmp_path, CONTINUOUS)


@pytest.fixture
def seen(tmp_path, wide):
    """A study with a trial of each kind, as Optuna alone loads it."""
    folder = tmp_path / "mine"
    folder.mkdir()
    objective = Objective(minimized=("macs",))
    storage = StudyStorage(folder / "optuna.db", wide, PRUNERS["none"], 4, objective, ABOUT)
    begin(storage, wide)
    for epoch, score in enumerate((0.3, 0.6), start=1):
        storage.report(EpochReport(0, epoch, {"val_accuracy": score}, float(epoch)))
    storage.tell(TrialResult(0, TrialState.COMPLETE, 0.6, 2, 2.5, device="cpu", model="m.keras"))
    begin(storage, wide)
    storage.report(EpochReport(1, 1, {"val_accuracy": 0.2}, 1.0))
    storage.tell(TrialResult(1, TrialState.PRUNED, 0.2, 1, 1.0, "pruned after epoch 1"))
    begin(storage, wide)
    storage.tell(TrialResult(2, TrialState.FAILED, None, 1, 1.0, "loss is nan"))
    begin(storage, wide)
    ran = subprocess.run([sys.executable, "-c", OPTUNA_ALONE], cwd=folder, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout), storage.records


def test_the_study_has_its_name_its_objectives_and_plain_facts(seen):
    study, _ = seen
    assert study["name"] == "mine"
    assert (study["directions"], study["names"]) == (["MAXIMIZE", "MINIMIZE"], ["accuracy", "macs"])
    assert study["attributes"] == {**ABOUT, "metric": "accuracy", "objective": "score,macs"}
    assert {"values_accuracy", "values_macs", "params_blocks", "user_attrs_trial"} <= set(study["columns"])


def test_the_trials_have_their_states_and_plain_facts(seen):
    study, records = seen
    complete, pruned, failed, running = study["trials"]
    costs = records[0].costs
    assert (complete["state"], complete["values"]) == ("COMPLETE", [0.6, costs["macs"]])
    assert complete["by_epoch"] == {"1": 0.3, "2": 0.6}
    assert complete["attributes"] == {
        **{"trial": 0, "state": "complete", "score": 0.6, "epochs": 2, "seconds": 2.5, "device": "cpu"},
        **costs,
    }
    assert (pruned["state"], pruned["attributes"]["state"], pruned["attributes"]["score"]) == ("PRUNED", "pruned", 0.2)
    assert (failed["state"], failed["attributes"]["state"]) == ("PRUNED", "failed")  # samplers learn nothing from FAIL
    assert failed["attributes"]["reason"] == "loss is nan"
    assert (running["state"], running["attributes"]["state"]) == ("RUNNING", "running")
    for trial in study["trials"]:
        assert all(isinstance(fact, str | int | float) for fact in trial["attributes"].values())


def test_the_params_have_their_names_and_the_constraints_theirs(seen):
    study, records = seen
    for trial, record in zip(study["trials"], records, strict=True):
        assert trial["params"] == {name: record.params[name] for name in record.drawn}
    ended = [trial["constraints"] for trial in study["trials"][:3]]
    assert [sorted(constraints) for constraints in ended] == [["possible", "trained"]] * 3
    assert [constraints["trained"] > 0 for constraints in ended] == [False, True, True]


def store_as_before(folder, new):
    """The same study as it was stored when a trial had two attributes and every study was called "study"."""
    url = f"sqlite:///{folder / 'optuna.db'}"
    study = optuna.create_study(storage=url, study_name="study", directions=["maximize", "minimize"])
    study.set_user_attr("objective", {"metric": "accuracy", "minimized": ["macs"]})
    for trial in optuna.load_study(study_name=None, storage=f"sqlite:///{new / 'optuna.db'}").trials:
        attributes = {"trial": trial.system_attrs[REQUEST], "result": trial.system_attrs[OUTCOME]}
        before = {"values": trial.values, "params": trial.params, "distributions": trial.distributions}
        study.add_trial(optuna.create_trial(**before, user_attrs=attributes, constraints=trial.constraints))
    study.add_trial(optuna.create_trial(state=OptunaState.PRUNED, user_attrs={"infeasible": "too large"}))


def test_a_study_of_an_older_version_is_read_and_goes_on(tmp_path, wide):
    new, old = tmp_path / "new", tmp_path / "old"
    for folder in (new, old):
        folder.mkdir()
    storage = open_storage(new, wide, minimized=("macs",))
    _, candidate = begin(storage, wide)
    storage.tell(TrialResult(0, TrialState.COMPLETE, 0.6, 4, 2.5, "", "cpu", "m.keras", Decision.CONTINUE))
    store_as_before(old, new)
    assert read_study(old / "optuna.db") == (storage.records, {"too large": 1})
    resumed = open_storage(old, wide, minimized=("macs",))
    assert resumed.number_of(candidate) == 0
    trial, _ = begin(resumed, wide)
    assert trial.number == 1
    resumed.tell(TrialResult(1, TrialState.COMPLETE, 0.7, 4))
    records, _ = read_study(old / "optuna.db")
    assert records == open_storage(old, wide, minimized=("macs",)).records
    assert [record.score for record in records] == [0.6, 0.7]


def test_a_trial_of_an_older_version_that_was_cut_off_is_repeated(tmp_path, wide):
    storage = open_storage(tmp_path, wide)
    trial, _ = begin(storage, wide)
    with closing(sqlite3.connect(tmp_path / "optuna.db")) as database:
        database.execute("DELETE FROM trial_user_attributes")
        columns = "trial_user_attributes (trial_id, key, value_json) SELECT trial_id, 'trial', value_json"
        database.execute(f"INSERT INTO {columns} FROM trial_system_attributes WHERE key = ?", (REQUEST,))
        database.execute("DELETE FROM trial_system_attributes WHERE key = ?", (REQUEST,))
        database.commit()
    again = open_storage(tmp_path, wide)
    assert again.queued == 1
    assert begin(again, wide)[0].params == trial.params
    assert [record.number for record in again.records] == [0]
