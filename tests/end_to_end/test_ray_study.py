"""Studies on two nodes: one is killed while both train, and they see no file of the study; or the head is killed."""

import csv
import json
import os
import shutil
import subprocess
import sys

import pytest

from pipeline.cli import main
from tests.ray_nodes import ONE_CORE, ray_nodes, two_nodes
from tests.required import RIGHTS_REQUIRED

TUNE = ["tune", "--data", "digits", "--executor", "ray", "--study", "s", "--search", "random", "--pruner", "none"]
TUNE += ["--epochs", "10", "--seed", "0"]

HYPERMODEL = """
import keras
from parts_beside_it import head

def build(hp):
    convolution = keras.layers.Conv2D(hp.Int("filters", 4, 16), 3, 2, activation="relu")
    model = keras.Sequential([keras.Input((8, 8, 1)), convolution, *head()])
    model.compile("adam", "sparse_categorical_crossentropy")
    return model
"""
PARTS = """
from keras import layers

def head():
    return [layers.Flatten(), layers.Dense(10, "softmax")]
"""

CAN_HIDE = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(not (CAN_HIDE or RIGHTS_REQUIRED), reason="hiding a folder from some processes needs root")
def test_a_study_of_a_hypermodel_outlives_a_node_and_shares_no_file_with_any(tmp_path, empty_store):
    """The folder of everything is empty for the nodes, so what they have and give can only have come through Ray."""
    shutil.copy(empty_store, tmp_path)
    (tmp_path / "mine.py").write_text(HYPERMODEL)
    (tmp_path / "parts_beside_it.py").write_text(PARTS)
    environment = os.environ | {"CONVTUNE_CACHE": str(tmp_path / "cache")}
    more, lines = ["--space", "mine.py:build", "--trials", "3"], []
    with two_nodes(hidden=tmp_path) as nodes:
        process = subprocess.Popen(
            [sys.executable, "-m", "pipeline", *TUNE, *more, "--ray-address", nodes.address],
            cwd=tmp_path,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for line in process.stdout:
            lines.append(line)
            if line.startswith("trial 1 ") and "began" in line:  # both nodes train now
                nodes.kill()
        process.wait()
    output = "".join(lines)
    assert process.returncode == 0, output
    rows = list(csv.DictReader((tmp_path / "studies/s/trials.csv").open(encoding="utf-8")))
    assert sorted(row["state"] for row in rows) == ["complete"] * 2 + ["failed"], output
    [lost] = [row for row in rows if row["state"] == "failed"]
    assert "node died" in lost["reason"]
    assert json.loads((tmp_path / "studies/s/test.json").read_text(encoding="utf-8"))["best_model"]["digest"]
    assert "(raylet)" not in output


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn", "only_tested")
def test_a_study_ends_without_the_head_of_its_cluster_and_goes_on_elsewhere(shell, monkeypatch):
    """A node trains on for a while without the head; Ray itself would end the process after a minute, with code 1."""
    with ray_nodes({"num_cpus": 0}, ONE_CORE) as nodes:
        more = ["--space", "tiny.yaml", "--trials", "40", "--ray-address", nodes.address]
        process = subprocess.Popen(
            [sys.executable, "-m", "pipeline", *TUNE, *more],
            cwd=shell.folder,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=1,
        )
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.split()[:3] == ["trial", "1", "began"]:
                nodes.kill_head()
        assert process.wait() == 2, "".join(lines)
    gone = f"convtune: Ray: the head of the cluster at {nodes.address} no longer answers; start it, then run the same"
    assert lines[-1].startswith(gone), "".join(lines)
    ended = sum(" complete " in line for line in lines)
    assert 0 < ended < 38
    monkeypatch.chdir(shell.folder)
    assert main(["tune", "--study", "s", "--trials", str(ended + 2), "--executor", "inline", "-q"]) == 0
    rows = list(csv.DictReader((shell.folder / "studies/s/trials.csv").open(encoding="utf-8")))
    assert [row["state"] for row in rows].count("complete") == ended + 2
