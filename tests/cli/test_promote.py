"""``convtune promote``; what becomes of the registry is in ``tests/tracking/test_registry.py``."""

import pytest

from pipeline.cli import main
from pipeline.study.fingerprint import StudyFingerprint, write_fingerprint
from pipeline.study.paths import StudyPaths


@pytest.fixture
def study(here):
    """A study whose run has registered nothing."""
    paths = StudyPaths(here / "studies" / "mine")
    paths.path.mkdir(parents=True)
    paths.job.write_text("data: digits\n")
    write_fingerprint(paths, StudyFingerprint("s", "d", 3, 0, run="0" * 32))
    return paths


def test_a_study_whose_model_is_not_registered(study, capsys):
    assert main(["promote", "mine"]) == 2
    why = "study mine: its best model is not registered; `convtune tune --study mine` does that when it ends"
    assert capsys.readouterr().err.splitlines()[-1] == f"convtune: {why}"


def test_an_unknown_study_and_a_study_elsewhere(study, capsys, monkeypatch):
    assert main(["promote", "mien"]) == 2
    assert "unknown study 'mien' (no studies/mien/job.yaml), did you mean 'mine'?" in capsys.readouterr().err
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///elsewhere.db")
    assert main(["promote", "mine"]) == 2
    assert "elsewhere.db: no such file" in capsys.readouterr().err


def test_the_champion_is_named(study, capsys, monkeypatch):
    monkeypatch.setattr("pipeline.tracking.promote", lambda run: f"{run[:2]} is the champion")
    assert main(["promote", "mine"]) == 0
    assert capsys.readouterr().out == "00 is the champion\n"
