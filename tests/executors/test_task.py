from pipeline.executors import start_all
from pipeline.executors.task import TaskResult
from pipeline.study.trial import BatchReport, Decision
from tests.fakes import GetPid


class TwoSlots:
    """Runs nothing: the task that was submitted first ends first, after a report of each of the running ones."""

    def __init__(self):
        self.running, self.submitted = [], []

    @property
    def free(self):
        return 2 - len(self.running)

    def submit(self, task):
        assert self.free
        self.running.append(task.number)
        self.submitted.append(task.number)

    def wait(self, report, timeout=None):
        for number in self.running:
            assert report(BatchReport(number, 1, 4)) is Decision.CONTINUE
        return [TaskResult(self.running.pop(0))]


def test_tasks_start_at_once_and_a_free_slot_is_taken_before_a_result_is_dealt_with():
    executor, shown = TwoSlots(), []
    results = start_all(executor, [GetPid(1), GetPid(2), GetPid(3)], lambda done, total: shown.append((done, total)))
    assert executor.submitted == [1, 2]
    assert next(results).number == 1
    assert executor.submitted == [1, 2, 3]
    assert [result.number for result in results] == [2, 3]
    assert shown == [(1, 4), (1, 4)], "only the last task's steps are shown"
