"""What a person reads of models that were not kept."""

import re

import pytest

from pipeline.api import load_study
from pipeline.cli import main
from pipeline.errors import StudyError
from pipeline.job.kept_models import describe_not_kept, models_kept, not_kept
from tests.report.made_up import record, study


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A study of four trials that keeps the models of the best two; that of the third is gone, of the best too."""
    monkeypatch.chdir(tmp_path)
    records = [record(number, score, model="x") for number, score in enumerate((0.9, 0.8, 0.7, 0.6))]
    paths = study(tmp_path / "studies" / "mine", records)
    paths.job.write_text("data: digits\nkeep_models: 2\nstudy: mine\n")
    for number in (1, 3):  # 3 was being read when it was pushed out
        paths.trial(number).mkdir(parents=True)
        paths.model(number).write_bytes(b"a model")
    return paths, records


def test_those_that_were_pushed_out_are_told_from_those_that_somebody_removed(mine):
    paths, records = mine
    assert not_kept(paths, records) == [2]
    with pytest.raises(
        StudyError, match=r"trial 2 has no model \(not among the best 2 that --keep-models keeps; train"
    ):
        load_study("mine").model_file(2)
    with pytest.raises(StudyError, match=r"trial 0 has no model \(its file is gone\); only trials 1, 3 have one"):
        load_study("mine").model_file(0)


def test_a_line_below_the_trials(mine, capsys):
    assert main(["trials", "mine"]) == 0
    [line] = re.findall("Models are kept.*", capsys.readouterr().out)
    assert line.startswith(
        "Models are kept of the best 2 trials (--keep-models), not of 1 other; to have one, train it"
    )


@pytest.mark.parametrize(
    "command", ["export mine", "explain mine photo.png", "predict mine photos", "evaluate mine --data digits"]
)
def test_every_command_that_takes_a_trial_says_so_in_a_line(mine, capsys, command):
    assert main([*command.split(), "--trial", "2"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "trial 2 has no model (not among the best 2 that --keep-models keeps" in error


def test_a_study_of_before_keeps_all_and_an_unreadable_job_says_nothing(mine):
    paths, records = mine
    for text in ("data: digits\n", "data: [\n", "data: digits\nkeep_models: all\n"):
        paths.job.write_text(text)
        assert models_kept(paths) == float("inf")
        assert describe_not_kept(paths, records) == ""
