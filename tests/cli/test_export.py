"""``convtune export``."""

import argparse
import json
import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from pipeline import model_card
from pipeline.cli import export
from pipeline.errors import JobError, ModelError, StudyError
from pipeline.executors import Inline
from pipeline.trial import State
from tests.export.tiny_model import write_tiny_model
from tests.report.made_up import record, study

RECORDS = [
    record(0, 0.8, model="x"),
    record(1, 0.9, model="x"),
    record(2, 0.7, State.PRUNED, reason="pruned after epoch 2"),
    record(3, 0.99, model="deleted since"),
    record(4, 0.98, State.INTERRUPTED, reason="its process ended"),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("export")
    folder = study(root / "studies" / "s", RECORDS)
    write_tiny_model(folder.model(0), trial=0)
    write_tiny_model(folder.model(1), trial=1)
    write_tiny_model(folder.model(4), trial=4)  # left by an earlier run of a trial that is repeated
    elsewhere = study(root / "elsewhere" / "s", RECORDS[:1])
    write_tiny_model(elsewhere.model(0), trial=0)
    study(root / "studies" / "none", RECORDS[2:3])
    study(root / "studies" / "lost", RECORDS[3:4])
    return root


@pytest.fixture
def root(made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("studies", "elsewhere"):
        Path(name).symlink_to(made / name)
    monkeypatch.setattr("pipeline.loading.keras_worker", lambda what, **environment: nullcontext(Inline()))
    return tmp_path


def run(*words):
    parser = argparse.ArgumentParser()
    export.arguments(parser)
    return export.run(parser.parse_args(words))


def test_the_best_model_that_is_there(root, capsys):
    assert run("s") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Trial 1, value 0.9000"
    assert lines[1].startswith("exports/s/model.keras  0.0")
    assert " MB  differs by at most " in lines[2]
    assert lines[3] == "Use it:  convtune predict exports/s/model.keras IMAGE..."
    assert model_card.get(Path("exports/s/model.keras")).trial == 1
    assert Path("exports/s/saved_model/saved_model.pb").is_file()


@pytest.mark.parametrize(
    ("given", "target"),
    [("s", "exports/s"), ("studies/s", "exports/s"), ("elsewhere/s", "elsewhere/s/export")],
)
def test_studies_of_one_name_do_not_meet(root, capsys, given, target):
    assert run(given, "--format", "keras") == 0
    assert f"\n{target}/model.keras  " in capsys.readouterr().out


def test_a_trial_a_folder_and_a_format(root, capsys):
    assert run("s", "--trial", "0", "--output", "here", "--format", "keras", "--json") == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert set(found) == {"format", "path", "bytes", "difference", "trial", "use"}
    assert found["path"] == "here/model.keras"
    assert found["trial"] == 0
    assert model_card.get(Path("here/model.keras")).trial == 0
    assert [path.name for path in Path("here").iterdir()] == ["model.keras"]


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (
            ["s", "--trial", "2"],
            StudyError,
            r"trial 2 has no model \(pruned after epoch 2\); trials with a model: 0, 1",
        ),
        (["s", "--trial", "3"], StudyError, r"trial 3 has no model \(its file is gone\); trials with a model: 0, 1"),
        (["s", "--trial", "4"], StudyError, r"trial 4 has no model \(its process ended\); trials with a model: 0, 1"),
        (["s", "--trial", "9"], StudyError, "trial 9 does not exist; trials with a model: 0, 1"),
        (["s", "--trial", "x"], JobError, "--trial: expected a whole number from 0, got 'x'"),
        (["none"], StudyError, "study none: no trial has a model; see"),
        (["lost"], StudyError, "study lost: no trial has a model; the files of their models are gone; see"),
        (["none", "--trial", "2"], StudyError, "no trial has one"),
        (["s", "--format", "kera"], JobError, "--format: unknown 'kera', did you mean 'keras'.*keras, saved_model"),
        (["s", "--format", ""], JobError, "--format: unknown ''"),
        (["unknown"], StudyError, "unknown study"),
        (["s", "--output", "studies/s/job.yaml"], ModelError, "cannot write there"),
    ],
)
def test_bad_input(root, words, error, message):
    with pytest.raises(error, match=message):
        run(*words)
    assert not Path("exports").exists()


def test_by_a_worker_in_silence_whatever_the_backend(root):
    command = "import sys; from pipeline.cli import main; code = main(['export', 's']); "
    check = "sys.exit(code or bool({'keras', 'tensorflow'} & set(sys.modules)))"
    environment = os.environ | {"KERAS_BACKEND": "jax", "PYTHONPATH": str(Path(__file__).parents[2])}
    environment.pop("TF_CPP_MIN_LOG_LEVEL")
    done = subprocess.run([sys.executable, "-c", command + check], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 5
