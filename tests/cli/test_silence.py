"""What TensorFlow, absl, Optuna and MLflow like to say stays off the terminal."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli import bad_files
from tests.export.tiny_model import write_tiny_model

pytestmark = pytest.mark.slow

COMMANDS = {
    "export m.keras": ["warning", "exit code 0"],
    "predict m.keras photo.png": ["note", "exit code 0"],
    "explain m.keras photo.png": ["exit code 0"],
    "evaluate m.keras --data digits": ["digits", "note", "exit code 0"],
    "predict lambda.keras photo.png": ["convtune", "exit code 2"],
}
"""Commands whose task runs in a worker, and the words before the colon of all the lines that they may print on stderr.

The first, whose worker it is, sets a backend of its own.
"""

ONE_AFTER_ANOTHER = """
import contextlib, sys
from pipeline.cli import main
from pipeline.training import worker

start, shared = worker.keras_worker, []
with contextlib.ExitStack() as stack:
    def share(description, **environment):
        if not shared:
            shared.append(stack.enter_context(start(description, **environment)))
        return contextlib.nullcontext(shared[0])

    worker.keras_worker = worker.model_worker = share
    for command in sys.argv[1:]:
        code = main(command.split())
        print(f"exit code {code}", file=sys.stderr)
assert not {"keras", "tensorflow"} & set(sys.modules)
"""
"""Runs commands with one real worker, since each takes 5 s to start. The process of the commands never has Keras."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("user")
    write_tiny_model(made / "m.keras", classes=tuple("0123456789"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made)
        bad_files.lambda_model("lambda.keras")()
    Image.fromarray(np.full((9, 12, 3), 99, np.uint8)).save(made / "photo.png")
    return made


def execute(folder, *words, **changes):
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])} | changes
    environment.pop("TF_CPP_MIN_LOG_LEVEL")
    done = subprocess.run([sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout
    return done.stderr


def test_only_our_own_lines_are_on_stderr_when_a_worker_runs_the_task(folder):
    said = execute(folder, "-c", ONE_AFTER_ANOTHER, *COMMANDS, KERAS_BACKEND="jax")
    lines = [line for line in said.splitlines() if not line.endswith(" ...")]  # what goes on, where that takes a second
    assert [line.partition(":")[0] for line in lines] == [word for line in COMMANDS.values() for word in line]
    assert not (folder / bad_files.PROOF).exists()


def test_nothing_is_on_stderr_when_the_process_of_the_command_trains(here):
    tune = "tune --data digits --space quick --set blocks=1 --trials 1 --epochs 1 --executor inline -q"
    assert execute(here, "-m", "pipeline", *tune.split()) == ""
