"""A study of a HyperModel through the command line; its workers are this process, since one takes seconds to start."""

import csv
import gc
import shlex
import shutil
from pathlib import Path

import pytest
import yaml

from pipeline.cli import main
from pipeline.executors import InlineExecutor
from pipeline.hypermodel import loader
from pipeline.steps import hypermodel_space
from pipeline.steps.requested_space import adjust
from pipeline.study.model_metadata import read_metadata

HYPERMODELS = Path(__file__).parents[1] / "hypermodel" / "models.py"
TUNE = "tune -q --executor inline --data digits --epochs 1 --pruner none --study mine "


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("pipeline.hypermodel.worker.start_worker", fresh)
    monkeypatch.setattr("pipeline.hypermodel.survey._SECONDS", 0.0)  # effects are not looked for
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    shutil.copy(HYPERMODELS, tmp_path / "models.py")
    gc.freeze()  # what the study before has imported: garbage is collected after each model
    return tmp_path


def fresh(log, **environment):
    """A worker that has imported nothing of the user's yet."""
    loader._loaded.clear()
    loader._modules.clear()
    return InlineExecutor()


def tune(arguments, capfd):
    """The exit code, and what was said on stderr."""
    code = main(shlex.split(TUNE + arguments))
    return code, capfd.readouterr().err


@pytest.mark.usefixtures("undrawn")
def test_a_hypermodel_is_searched_as_a_family_is(here, empty_store, capfd):
    shutil.copy(empty_store, here)
    limits = "--limit parameters=2000 --set body/filters=16 --try kind=conv"
    assert tune(f"--space models.py:scopes --search grid --trials 2 {limits}", capfd)[0] == 0
    study = here / "studies" / "mine"
    rows = list(csv.DictReader((study / "trials.csv").open()))
    assert [row["kind"] for row in rows] == ["conv", "dense"]
    assert "family" not in rows[0]
    assert [int(row["parameters"]) for row in rows] == [16 * 9 + 16 + 144 * 10 + 10, 64 * 8 + 8 + 8 * 10 + 10]
    assert yaml.safe_load((study / "space.yaml").read_text())["hypermodel"] == "models.py:scopes"
    assert read_metadata(study / "best.keras").score > 0.1

    code, _ = tune("--trials 9 --space ./models.py:scopes", capfd)  # goes on: of the units only 16 are within the limit
    rows = list(csv.DictReader((study / "trials.csv").open()))
    assert (code, [row["body/units"] for row in rows]) == (0, ["", "8", "16"])

    (here / "models.py").write_text(HYPERMODELS.read_text().replace('activation="relu"', 'activation="tanh"'))
    code, error = tune("--trials 10", capfd)
    assert code == 2
    assert (
        "was begun with another HyperModel, another version of its file, or other --pixels or --class-weight; choose"
        in error
    )
    assert len(error.splitlines()) == 1


@pytest.mark.usefixtures("undrawn")
def test_a_file_that_is_edited_during_the_survey_counts_as_it_was_imported(here, empty_store, capfd, monkeypatch):
    shutil.copy(empty_store, here)
    text, file = HYPERMODELS.read_text(), here / "models.py"
    with monkeypatch.context() as patch:
        patch.setattr(hypermodel_space, "adjust", lambda *known: file.write_text("edited = 1") and adjust(*known))
        assert tune("--space models.py:scopes --search grid --set body/filters=16 --trials 1", capfd)[0] == 0
    assert yaml.safe_load((here / "studies" / "mine" / "space.yaml").read_text())["source"] == text

    file.write_text(text)
    assert tune("--trials 1", capfd)[0] == 0, "it is the same HyperModel"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("--space models.py:scopes --limit memory=2GB", "--limit: memory is not known of a HyperModel's models"),
        ("--space models.py:scopes --objective score,latency", "--objective: latency_ms is not known"),
        ("--space models.py:scopes --search grid --set lr=0.1,nothing=3", "--set: "),
        ("--space models.py:scopes --try kind=conv,body/units=8", "--try: "),
        ("--space models.py:scopes --image-size 16", "give --image-size 8x8"),
        ("--space models.py:guide --search grid", "lr is a continuous range"),
        ("--space quick --pixels 0..1", "--pixels: quick is no HyperModel"),
        ("--space models.py:keras", "models.py:keras: is an object of type module"),
        ("--space absent.py:build", "absent.py:build: there is no file absent.py"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_and_leaves_nothing(here, capfd, arguments, reason):
    code, error = tune(arguments, capfd)
    assert code == 2
    assert reason in error
    assert len(error.splitlines()) == 1
    assert [path.name for path in here.iterdir() if path.name != "__pycache__"] == ["models.py"]
