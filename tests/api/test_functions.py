"""``tune`` as a function: its arguments are the settings of a job. (Whole studies: test_examples.)"""

import inspect
import keyword
import subprocess
import sys
from pathlib import Path

import pytest

import pipeline
from pipeline.api import tune
from pipeline.errors import ConvtuneError, JobError, StudyError
from pipeline.job import SETTINGS
from pipeline.report.progress import Verbosity
from tests.report.made_up import record, study


def test_the_package_offers_them_without_importing_anything():
    code = (
        "import sys, pipeline\n"
        "assert not {'numpy', 'pandas', 'optuna', 'pipeline.api'} & set(sys.modules)\n"
        "import pipeline.steps.start\n"
        "from pipeline import tune, load_study, Study\n"
        "assert callable(tune) and callable(load_study) and isinstance(Study, type)\n"
        "assert {'tune', 'load_study', 'Study'} <= set(dir(pipeline))\n"
        "assert not {'keras', 'tensorflow', 'mlflow'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=True)


def test_another_name_is_not_there():
    with pytest.raises(AttributeError, match="module 'pipeline' has no attribute 'tunes'"):
        _ = pipeline.tunes


def test_the_stub_names_what_the_package_offers():
    stub = Path(pipeline.__file__).with_suffix(".pyi").read_text()
    assert all(f"import {name} as {name}" in stub or f"{name}: str" in stub for name in pipeline.__all__)


def test_the_signature_and_the_help_have_every_setting():
    parameters = inspect.signature(tune).parameters
    names = {f"{key}_" if keyword.iskeyword(key) else key for key in SETTINGS}
    assert set(parameters) == {"job", "quiet", "verbose", "retry_failed", *names}
    for key, setting in SETTINGS.items():
        assert setting.help in (tune.__doc__ or ""), key


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"data": "digits", "trails": 3}, r"tune\(\): unknown key 'trails', did you mean 'trials'\?; keys are data, "),
        ({"data": "digits", "time": "soon"}, r"tune\(\): time: expected a time above 0 .* got 'soon'"),
        ({"data": "digits", "try_": [{}]}, r"tune\(\): try: expected a mapping of names to values"),
        ({"data": "digits", "workers": 2, "executor": "inline"}, "--workers: expected 1 with --executor inline"),
        ({}, "--data is missing"),
        ({"data": "digits", "study": "new", "retry_failed": True}, "--retry-failed: expected a study that has begun"),
        ({"data": None, "study": "nix"}, "unknown study 'nix'.*; to start one, add --data"),
    ],
)
def test_bad_arguments_raise_what_the_command_prints(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((JobError, StudyError), match=message) as raised:
        tune(**arguments)
    assert isinstance(raised.value, ConvtuneError)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "verbosity"),
    [({}, Verbosity.LINES), ({"quiet": True}, Verbosity.SILENT), ({"verbose": True}, Verbosity.EPOCHS)],
)
def test_a_study_is_started_as_the_command_starts_it_and_returned(tmp_path, monkeypatch, options, verbosity):
    monkeypatch.chdir(tmp_path)
    Path("job.yaml").write_text("data: photos\ntrials: 7\nepochs: 9\n")
    begun = []

    def start(request, paths, verbosity):
        begun.append((request.job, verbosity))
        study(paths.path, [record(0, model="m")])

    monkeypatch.setattr("pipeline.steps.start.start", start)
    arguments = {"trials": 3, "try_": ["small", {"blocks": 2}], "limit": {"macs": "1M"}, "image_size": "64x48"}
    mine = tune("job.yaml", study="mine", data=Path("pictures"), **arguments, **options)
    [(job, used)] = begun
    assert (job.data, job.trials, job.epochs, job.image_size) == ("pictures", 3, 9, (64, 48))
    assert job.attempts == ("small", {"blocks": 2})
    assert job.limits == (("macs", "1M"),)
    assert used is verbosity
    assert (mine.name, mine.best.number) == ("mine", 0)


def test_an_interrupt_reaches_the_caller(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def start(request, paths, verbosity):
        raise KeyboardInterrupt

    monkeypatch.setattr("pipeline.steps.start.start", start)
    with pytest.raises(KeyboardInterrupt):
        tune(data="digits", trials=1)
    assert capsys.readouterr() == ("", "")
