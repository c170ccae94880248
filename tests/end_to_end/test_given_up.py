"""A study stops before it was done where the machine fails its trials, and goes on once that is mended."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.executors import EXECUTORS, InlineExecutor
from pipeline.training.task import TrainTask
from tests.end_to_end.pretend import PRETEND, PretendExecutor
from tests.small_disk import small_disk

pytestmark = pytest.mark.usefixtures("undrawn", "only_tested")

AGAIN = "`convtune tune --study mine --retry-failed`"


@dataclass(frozen=True)
class Save:
    """A training that saves its model on a device that is always full."""

    number: int

    def run(self, report):
        with open("/dev/full", "wb", buffering=0) as file:
            file.write(b"a model")


class FullDisk(PretendExecutor):
    """Every training fails."""

    def submit(self, task):
        if isinstance(task, TrainTask):
            InlineExecutor.submit(self, Save(task.number))
        else:
            super().submit(task)


def test_a_machine_that_fails_every_trial_stops_the_study_in_one_line(tune, capsys, monkeypatch):
    assert tune("--trials", "2", "--pruner", "none") == 0
    kind = replace(PRETEND, start=lambda *_: FullDisk())
    with monkeypatch.context() as broken:
        broken.setitem(EXECUTORS, "inline", kind)
        capsys.readouterr()
        assert tune("--trials", "8") == 1
    out, err = capsys.readouterr()
    [line] = [line for line in err.splitlines() if line.startswith("warning: ")]
    assert line.startswith("warning: studies/mine: stopped: the machine fails one trial after another, the last (6) ")
    assert "No space left on device; free space or memory, or see to the GPU" in line
    assert line.endswith(AGAIN)
    assert "the machine has failed one trial after another (2 complete, 5 failed)" in out
    assert main(["studies", "--json"]) == 0
    assert '"interrupted"' in capsys.readouterr().out
    assert tune("--trials", "8", "--retry-failed") == 0
    assert "all trials are done (8 complete)" in capsys.readouterr().out


def test_a_study_on_a_disk_that_is_nearly_full_begins_no_trial(tune, here, capsys):
    with small_disk(here / "studies", megabytes=60):
        filler = Path("studies/filler")
        filler.write_bytes(bytes(20_000_000))
        assert tune("--trials", "2") == 1
        out, err = capsys.readouterr()
        assert "warning: studies/mine: stopped: its disk has less than 50 MB free, too little for another trial" in err
        assert "its disk has too little room for another trial (no trials)" in out
        assert "wider space" not in out
        filler.unlink()
        assert tune("--trials", "2") == 0
