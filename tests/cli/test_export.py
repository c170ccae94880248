"""``convtune export``."""

import argparse
import json
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.cli import export, main
from pipeline.errors import JobError, ModelError, StudyError
from pipeline.executors import InlineExecutor
from pipeline.export import FORMATS
from pipeline.study.model_metadata import read_metadata
from pipeline.study.trial import TrialState
from tests.export.added_format import ADDED
from tests.export.tiny_model import write_tiny_model
from tests.report.made_up import record, study

RECORDS = [
    record(0, 0.8, model="x"),
    record(1, 0.9, model="x"),
    record(2, 0.7, TrialState.PRUNED, reason="pruned after epoch 2"),
    record(3, 0.99, model="deleted since"),
    record(4, 0.98, TrialState.INTERRUPTED, reason="its process ended"),
]


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    root = tmp_path_factory.mktemp("export")
    folder = study(root / "studies" / "s", RECORDS)
    write_tiny_model(folder.model(0), trial=0)
    write_tiny_model(folder.model(1), trial=1, score=0.9)
    write_tiny_model(folder.model(4), trial=4)  # left by an earlier run of a trial that is repeated
    elsewhere = study(root / "elsewhere" / "s", RECORDS[:1])
    write_tiny_model(elsewhere.model(0), trial=0)
    study(root / "studies" / "none", RECORDS[2:3])
    study(root / "studies" / "lost", RECORDS[3:4])
    return root


@pytest.fixture
def root(studies, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("studies", "elsewhere"):
        Path(name).symlink_to(studies / name)
    inline = nullcontext(InlineExecutor())
    monkeypatch.setattr("pipeline.training.worker.keras_worker", lambda description, **environment: inline)
    return tmp_path


def run(*words):
    parser = argparse.ArgumentParser()
    export.arguments(parser)
    return export.run(parser.parse_args(words))


def test_the_best_model_that_is_there(root, capsys):
    assert run("s") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Trial 1 of study s, accuracy 0.9000 on validation images"
    assert lines[1].startswith("exports/s/model.keras  0.0")
    assert lines[1].endswith(" MB  checked: the model's own probabilities")
    assert " MB  checked: " in lines[2]
    assert lines[3] == "exports/s/labels.txt  3 classes, one per line in the order of the outputs"
    assert lines[4] == "Use it:  convtune predict exports/s/model.keras IMAGE..."
    assert Path("exports/s/labels.txt").read_text() == "cat\ndog\nowl\n"
    assert read_metadata(Path("exports/s/model.keras")).trial == 1
    assert Path("exports/s/saved_model/saved_model.pb").is_file()


@pytest.mark.parametrize(
    ("given", "target"),
    [
        ("s", "exports/s"),
        ("studies/s", "exports/s"),
        ("elsewhere/s", "elsewhere/s/export"),
        ("studies/s/trials/0001", "exports/0001"),
        ("studies/s/trials/0001/model.keras", "exports/0001"),
    ],
)
def test_models_of_one_name_do_not_meet(root, capsys, given, target):
    assert run(given, "--format", "keras") == 0
    assert f"\n{target}/model.keras  " in capsys.readouterr().out


def test_a_trial_a_folder_and_a_format(root, capsys):
    assert run("s", "--trial", "0", "--output", "here", "--format", "keras", "--json") == 0
    (result,) = json.loads(capsys.readouterr().out)
    assert set(result) == {"format", "path", "bytes", "difference", "labels", "trial", "use"}
    assert result["path"] == "here/model.keras"
    assert result["trial"] == 0
    assert read_metadata(Path("here/model.keras")).trial == 0
    assert result["labels"] == "here/labels.txt"
    assert {path.name for path in Path("here").iterdir()} == {"model.keras", "labels.txt"}


def test_a_format_that_is_added(root, capsys, monkeypatch):
    """It takes a file, and a line in the table."""
    monkeypatch.setitem(FORMATS, "added", ADDED)
    assert run("s", "--format", "added") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("exports/s/model.json  0.0")
    assert " MB  checked: " in lines[1]
    assert lines[3] == "Use it:  cat exports/s/model.json"
    assert {path.name for path in Path("exports/s").iterdir()} == {"model.json", "labels.txt"}


def test_an_added_format_that_writes_another_model_is_refused(root, monkeypatch):
    monkeypatch.setitem(
        FORMATS, "added", replace(ADDED, load=lambda target: lambda images: ADDED.load(target)(images) * 0.99)
    )
    with pytest.raises(ModelError, match=r"exports/s/model\.json: added differs from the model by 0\.0"):
        run("s", "--format", "added")
    assert list(Path("exports/s").iterdir()) == []


def test_the_help_names_the_formats(capsys):
    with pytest.raises(SystemExit) as end:
        main(["export", "--help"])
    assert end.value.code == 0
    assert "any of keras, saved-model (default: all)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (
            ["s", "--trial", "2"],
            StudyError,
            r"trial 2 has no model \(pruned after epoch 2\); only trials 0, 1 have one",
        ),
        (["s", "--trial", "3"], StudyError, r"trial 3 has no model \(its file is gone\); only trials 0, 1 have one"),
        (["s", "--trial", "4"], StudyError, r"trial 4 has no model \(its process ended\); only trials 0, 1 have one"),
        (["s", "--trial", "9"], StudyError, "trial 9 does not exist; only trials 0, 1 have one"),
        (["none"], StudyError, "study none: no trial has a model; see"),
        (["lost"], StudyError, "study lost: no trial has a model; the files of their models are gone; see"),
        (["none", "--trial", "2"], StudyError, "no trial has one"),
        (["unknown"], StudyError, "unknown study"),
        (["studies/s/trials/0001", "--trial", "1"], JobError, "--trial: studies/s/trials/0001 is a single model"),
        (["s", "--output", "studies/s/job.yaml"], ModelError, "cannot write there"),
    ],
)
def test_bad_input(root, words, error, message):
    with pytest.raises(error, match=message):
        run(*words)
    assert not Path("exports").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["s", "--trial", "x"], "--trial: expected a whole number from 0, got 'x'"),
        (["s", "--format", "kera"], "--format: unknown 'kera', did you mean 'keras'?; formats are keras, saved-model"),
        (["s", "--format", ""], "--format: unknown ''"),
        (["s", "--format", "keras,"], "--format: unknown ''"),
    ],
)
def test_invalid_flags(root, capsys, words, message):
    with pytest.raises(SystemExit) as end:
        main(["export", *words])
    assert end.value.code == 2
    output = capsys.readouterr()
    assert message in output.err
    assert output.err.count("\n") == 1
    assert output.out == ""
    assert not Path("exports").exists()
