"""A study on a disk that is full, and goes on once there is room: a small tmpfs, where this process may mount one."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.errors import StudyError
from pipeline.executors import LocalExecutor
from pipeline.files import replacing
from pipeline.search.optuna_study import read_study, storage_errors
from pipeline.search.stop_reason import Budget, StopReason
from pipeline.study.trial import Fault, ReportCallback, TrialResult, TrialState
from tests.fakes import Climb
from tests.search.test_loop import loop
from tests.small_disk import small_disk

MODEL = 1 << 20


@dataclass(frozen=True)
class Save:
    """A trial that saves a large model in the study's folder."""

    number: int
    folder: Path

    def run(self, report: ReportCallback) -> TrialResult:
        result = Climb(self.number).run(report)
        with replacing(self.folder / f"{self.number}.keras") as temporary:
            temporary.write_bytes(bytes(MODEL))
        return result


@pytest.fixture
def disk(tmp_path):
    """A disk of 6 MB."""
    with small_disk(tmp_path / "disk", megabytes=6):
        yield tmp_path / "disk"


def fill(file, but):
    """Fills the disk of ``file`` but for some bytes."""
    with file.open("wb", buffering=0) as filler:
        try:
            while filler.write(bytes(4096)) == 4096:
                pass
        except OSError:
            pass
        filler.truncate(file.stat().st_size - but)


def test_a_trial_and_then_the_study_fail_on_a_full_disk_and_go_on_when_there_is_room(disk):
    filler = disk / "filler"

    def run(trials, retry=False):
        study, storage = loop(disk, lambda trial, candidate: Save(trial.number, disk), executor)
        if retry:
            assert storage.requeue_failed() == [1]
        with storage_errors(disk / "optuna.db"):
            return study.run(Budget(trials))

    with closing(LocalExecutor([{}], log=disk / "worker.log")) as executor:
        run(1)
        fill(filler, but=MODEL // 2)
        run(2)
        whole, failed = read_study(disk / "optuna.db")[0]
        assert (whole.state, failed.state, failed.result.fault) == (
            TrialState.COMPLETE,
            TrialState.FAILED,
            Fault.MACHINE,
        )
        assert failed.result.reason.startswith("machine fault: OSError: [Errno 28] No space left on device")
        assert sorted(file.name for file in disk.glob("*.keras")) == ["0.keras"]
        fill(filler, but=0)
        with pytest.raises(
            StudyError, match=r"optuna\.db: the disk is full; free some space, then go on with the same"
        ):
            run(50)
        filler.unlink()
    with closing(LocalExecutor([{}], log=disk / "worker.log")) as executor:
        before = len(read_study(disk / "optuna.db")[0])
        assert run(max(3, before), retry=True) == StopReason.TRIALS_DONE
    records = read_study(disk / "optuna.db")[0]
    assert [record.state for record in records] == [TrialState.COMPLETE] * max(3, before)
