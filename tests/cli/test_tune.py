"""The flags of ``convtune tune``, without a study."""

import argparse

import pytest

import pipeline.steps
from pipeline.cli import main, tune
from pipeline.job import SETTINGS


@pytest.fixture
def parser():
    parser = argparse.ArgumentParser()
    tune.arguments(parser)
    return parser


def test_every_setting_is_a_flag_with_its_help(parser):
    actions = {action.dest: action for action in parser._actions}
    for key, setting in SETTINGS.items():
        assert actions[key].option_strings == [setting.flag]
        assert (actions[key].help, actions[key].metavar) == (setting.flag_help, setting.flag_metavar)
    assert set(actions) == {*SETTINGS, "help", "job", "quiet", "verbose", "retry_failed"}


def test_the_help_has_a_line_for_every_setting_and_its_default(capsys):
    with pytest.raises(SystemExit) as end:
        main(["tune", "--help"])
    assert end.value.code == 0
    words = " ".join(capsys.readouterr().out.split())
    for setting in SETTINGS.values():
        assert f"{setting.flag} {setting.flag_metavar} {setting.flag_help}" in words


def test_the_help_groups_the_flags(parser):
    parts = [part.strip().partition(":\n") for part in parser.format_help().split("\n\n")[1:]]
    sections = {heading: flags for heading, _, flags in parts}
    for setting in SETTINGS.values():
        assert f"  {setting.flag} " in sections[setting.group]


def test_what_is_not_given_has_no_value(parser):
    assert set(vars(parser.parse_args([])).values()) == {None, False}


@pytest.mark.parametrize(("quiet", "notes"), [([], 1), (["--quiet"], 0)])
def test_a_file_with_sizes_for_another_time_is_told_before_the_study_begins(here, quiet, notes, capsys):
    (here / "job.yaml").write_text("data: photos\ntime: 10m\nepochs: 20\n")
    (here / "taken").mkdir()
    (here / "taken" / "letter.txt").write_text("a folder of somebody else's, so nothing begins")
    assert main(["tune", "job.yaml", "--time", "40s", "--study", str(here / "taken"), *quiet]) == 2
    *told, error = capsys.readouterr().err.splitlines()
    assert "letter.txt" in error
    assert len(told) == notes
    assert all(line.startswith("note: job.yaml: epochs as written beside its time of 10m; ") for line in told)


def test_the_values_of_flags_are_parsed_once_and_passed_on(monkeypatch):
    calls = []
    monkeypatch.setattr(pipeline.steps, "tune", lambda *args, **options: calls.append((*args, options)) or 7)
    words = [
        "job.yaml",
        "-q",
        "--retry-failed",
        "--trials",
        "1_000",
        "--time",
        "10m",
        "--image-size",
        "64x48",
        "--try",
        "a=1,b=x",
    ]
    assert main(["tune", *words, "--try", "", "--try", "vgg16", "--limit", "macs=none", "--metric", "log_loss"]) == 7
    ((file, flags, options),) = calls
    assert (file, options) == ("job.yaml", {"quiet": True, "verbose": False, "retry_failed": True})
    assert {key: value for key, value in flags.items() if value is not None} == {
        "trials": 1000,
        "time": 600,
        "image_size": (64, 48),
        "try": [{"a": 1, "b": "x"}, None, "vgg16"],
        "limit": [{"macs": "none"}],
        "metric": "log_loss",
    }
    assert set(flags) == set(SETTINGS)
