"""A dataset for a command."""

import numpy as np
import pytest
from PIL import Image

from pipeline.data import load_with_progress as module
from pipeline.data.load_with_progress import load_with_progress
from pipeline.errors import DataError


def test_a_dataset_of_the_requested_size_and_seed():
    data = load_with_progress("digits", (6, 5), 4)
    assert data.shape == (6, 5, 1)
    assert not np.array_equal(data.test, load_with_progress("digits", (6, 5), 5).test)


def test_the_requested_channels():
    assert load_with_progress("digits", None, 0, channels=3).shape == (8, 8, 3)


@pytest.mark.parametrize("quiet", [False, True])
def test_warnings_go_to_stderr(tmp_path, capsys, quiet):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(12):
            Image.new("L", (4, 4), number).save(tmp_path / name / f"{number}.png")
    whole_file = (tmp_path / "a" / "0.png").read_bytes()
    (tmp_path / "a" / "cut.png").write_bytes(whole_file[:40])
    load_with_progress(str(tmp_path), None, 0, quiet=quiet)
    said = capsys.readouterr()
    assert said.out == ""
    lines = said.err.splitlines()
    assert all(line.startswith("warning: ") for line in lines)
    assert sum("cut.png" in line for line in lines) == 1


def test_an_unknown_dataset():
    with pytest.raises(DataError, match="digit"):
        load_with_progress("digit", None, 0)


def test_a_download_is_a_task_of_a_worker_that_is_closed_after_it(tmp_path, monkeypatch):
    """The command itself never imports Keras."""
    events = []

    class Executor:
        def close(self):
            events.append("closed")

    def call(executor, task):
        events.append(task)
        rng = np.random.default_rng(0)
        images, labels = rng.integers(0, 256, (20, 28, 28), dtype=np.uint8), np.arange(20) % 2
        np.savez(task.folder / f"{task.name}.npz", x_train=images, y_train=labels)

    monkeypatch.setenv("CONVTUNE_CACHE", str(tmp_path))
    monkeypatch.setattr(module.local, "start", lambda workers, log, warm_up: Executor())
    monkeypatch.setattr(module, "call", call)
    assert load_with_progress("mnist", None, 0).shape == (28, 28, 1)
    task, last = events
    assert (task.name, last) == ("mnist", "closed")
