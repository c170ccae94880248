"""HyperModels as people write them, through the command line; the workers are this process."""

import csv
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from pipeline.cli import main
from pipeline.training.save import load
from tests.end_to_end.hypermodels import NETS, VARIANTS, WAYS

HYPERMODELS = Path(__file__).with_name("hypermodels.py")
TUNE = "tune --executor inline --data two.npz --search grid --pruner none --epochs 1 --study mine "


@pytest.fixture
def tune(tmp_path, empty_store, monkeypatch, here_alone, undrawn):
    """Runs a study of a HyperModel on real zeros and ones; returns the rows of its trials."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    shutil.copy(empty_store, tmp_path)
    shutil.copy(HYPERMODELS, tmp_path / "mine.py")
    images, labels = load_digits(n_class=2, return_X_y=True)
    pictures = np.kron(images.reshape(-1, 8, 8, 1) * 15, np.ones((4, 4, 3))).astype(np.uint8)

    def tune(arguments, count=160):
        np.savez("two.npz", x_train=pictures[:count], y_train=labels[:count])
        assert main(shlex.split(TUNE + arguments)) == 0
        return list(csv.DictReader((tmp_path / "studies" / "mine" / "trials.csv").open()))

    return tune


def test_networks_of_keras_applications_are_trained(tune, capfd):
    rows = tune("--space mine.py:application --trials 2", count=40)
    assert {row["net"]: row["state"] for row in rows} == dict.fromkeys(NETS, "complete")
    assert "with other params 0..255: it rescales them itself (Rescaling)" in capfd.readouterr().err


def test_every_kind_of_output_loss_and_preprocessing_is_trained(tune, tmp_path, capfd):
    rows = tune("--space mine.py:variant --epochs 3 --set rate=0.1 --trials 9")
    assert {row["kind"]: row["state"] for row in rows} == dict.fromkeys(VARIANTS, "complete")
    assert all(float(row["score"]) > 0.9 for row in rows)
    said = capfd.readouterr().err
    assert "0..1: it does not rescale them; with other params 0..255: it rescales them itself (Add); --pixels" in said
    images = np.load("two.npz")["x_train"][:9]
    for model in tmp_path.glob("studies/mine/trials/*/model.keras"):
        assert np.asarray(load(model)(images)).sum(axis=1) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.usefixtures("only_tested")
def test_every_way_to_fit_is_followed(tune):
    rows = tune("--space mine.py:Fits --trials 9", count=60)
    assert {(row["way"], row["state"], row["epochs"]) for row in rows} == {(way, "complete", "1") for way in WAYS}
