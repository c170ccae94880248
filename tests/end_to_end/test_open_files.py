"""What a command opens it closes again, without waiting for Python's collector: a notebook runs many in one process."""

import gc

import psutil
import pytest

from pipeline.cli import main

pytestmark = pytest.mark.usefixtures("undrawn", "only_tested")


@pytest.fixture
def uncollected():
    gc.disable()
    yield
    gc.enable()


def open_files(folder):
    return {file.path for file in psutil.Process().open_files() if file.path.startswith(str(folder.resolve()))}


@pytest.mark.parametrize("command", [["trials", "mine"], ["studies"], ["tune", "--study", "mine", "--trials", "3"]])
def test_no_file_of_a_study_stays_open(tune, here, uncollected, command):
    assert tune("--trials", "2", "--pruner", "none") == 0
    assert open_files(here / "studies") == set()
    assert main(command) == 0
    assert open_files(here / "studies") == set()
