"""What TensorFlow, absl, Optuna and MLflow like to say stays off the terminal."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.export.tiny_model import write_tiny_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("user")
    write_tiny_model(made / "m.keras", classes=tuple("0123456789"))
    Image.fromarray(np.full((9, 12, 3), 99, np.uint8)).save(made / "photo.png")
    return made


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "ours"),
    [
        ("predict m.keras photo.png", []),
        ("explain m.keras photo.png", []),
        ("evaluate m.keras --data digits", ["digits", "note"]),
        ("tune --data digits --space quick --trials 1 --epochs 1 --executor inline -q", []),
    ],
)
def test_only_our_own_lines_are_on_stderr(folder, command, ours):
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    environment.pop("TF_CPP_MIN_LOG_LEVEL")
    words = [sys.executable, "-m", "pipeline", *command.split()]
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == ours
