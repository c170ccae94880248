"""What every executor of the table promises, one that a test adds included."""

import os
import subprocess
import sys
from contextlib import ExitStack, closing

import psutil
import pytest

from pipeline.errors import SpaceError, WorkerError
from pipeline.executors import EXECUTORS, ExecutorKind, InlineExecutor, Slots, call
from pipeline.executors.credentials import CREDENTIALS
from pipeline.study.trial import Decision, TrialState
from tests.fakes import Climb, GetPid, Raise, ReadArguments, ReadEnvironment, at_epochs
from tests.ray_nodes import here_with_ray


def start_added(slots, log, warm_up):
    """What the file of a new executor must offer."""
    warm_up()
    return InlineExecutor(log)


@pytest.fixture(scope="module")
def ray_here():
    """Ray on this machine, for all tests of this file: it takes 2 s to start."""
    with ExitStack() as cluster:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("PGPASSWORD", "before Ray")
            environment.setenv("MLFLOW_TRACKING_URI", "https://me:secret@host/mlflow")
            cluster.enter_context(here_with_ray())
            kept = os.environ["PGPASSWORD"]
        yield kept


@pytest.fixture(params=[*EXECUTORS, "added"])
def executor(request, monkeypatch, tmp_path):
    """An executor of each kind with one slot; a new one takes a file with its record, and a line in the table."""
    monkeypatch.setitem(EXECUTORS, "added", ExecutorKind("added", "an executor of this test", start_added))
    for name in ("CUDA_DEVICE_ORDER", "TF_CPP_MIN_LOG_LEVEL", "TF_FORCE_GPU_ALLOW_GROWTH"):
        monkeypatch.setenv(name, "1")  # the inline executor sets those that are missing, in this process
    monkeypatch.setenv("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    for name in CREDENTIALS:
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://me:secret@host/mlflow")
    monkeypatch.setattr(sys, "argv", ["convtune", "--storage=postgresql://me:secret@host/db"])
    if request.param == "ray":
        request.getfixturevalue("ray_here")
    with closing(EXECUTORS[request.param].start(Slots(), tmp_path / "worker.log", warm_up)) as executor:
        yield executor


def warm_up():
    """Imports nothing."""


def test_it_has_a_slot_that_a_task_takes(executor):
    assert (executor.slots, executor.free) == (1, 1)
    executor.submit(GetPid())
    assert executor.free == 0
    while not executor.wait(lambda report: Decision.CONTINUE, 1.0):
        pass
    assert executor.free == 1


def test_reports_are_answered_and_the_value_comes_back(executor):
    executor.submit(Climb(4, epochs=5))
    epochs, results = [], []

    def decide(report):
        epochs.append(report.epoch)
        return Decision.PRUNE if report.epoch == 3 else Decision.CONTINUE

    while not results:
        results = executor.wait(at_epochs(decide), 1.0)
    assert epochs == [1, 2, 3]
    assert (results[0].number, results[0].value.state) == (4, TrialState.PRUNED)


def test_an_error_for_the_user_keeps_its_class_and_any_other_is_the_workers(executor):
    with pytest.raises(SpaceError, match="here"):
        call(executor, Raise(0, SpaceError("here")))
    with pytest.raises(WorkerError, match=r"ValueError: first line$"):
        call(executor, Raise(0, ValueError("first line\nsecond line")))


def test_workers_have_no_credentials_of_servers_and_this_process_keeps_them(executor):
    found = {call(executor, ReadEnvironment(name)) for name in CREDENTIALS}
    assert found == ({"secret"} if isinstance(executor, InlineExecutor) else {None})
    assert {os.environ[name] for name in CREDENTIALS} == {"secret"}
    address = call(executor, ReadEnvironment("MLFLOW_TRACKING_URI"))
    assert ("secret" in address) is isinstance(executor, InlineExecutor)
    assert address.endswith("host/mlflow")
    assert "secret" in os.environ["MLFLOW_TRACKING_URI"]
    assert call(executor, ReadArguments()) == (sys.argv[1:] if isinstance(executor, InlineExecutor) else [])
    assert len(sys.argv) == 2


def test_nothing_to_wait_for_is_no_result(executor):
    assert executor.wait(lambda report: Decision.CONTINUE, 0.0) == []


def test_a_cluster_that_convtune_starts_can_be_reached_from_this_machine_alone(ray_here):
    ours = {process.pid for process in psutil.Process().children(recursive=True)}
    open_ports = [one for one in psutil.net_connections("inet") if one.pid in ours and one.status == psutil.CONN_LISTEN]
    assert len(open_ports) > 3, "those of the head, of the node and of its workers"
    assert {one.laddr.ip.removeprefix("::ffff:") for one in open_ports} == {"127.0.0.1"}


def environment_of(process):
    try:
        return process.environ()
    except psutil.Error:  # it has just ended
        return {}


def test_a_cluster_that_convtune_starts_is_given_no_password_and_this_process_keeps_it(ray_here):
    given = [environment_of(process) for process in psutil.Process().children(recursive=True)]
    assert sum(map(bool, given)) > 3
    assert "before Ray" not in {environment.get("PGPASSWORD") for environment in given}
    assert ray_here == "before Ray"


def test_the_table_imports_nothing_heavy():
    heavy = {"numpy", "psutil", "keras", "mlflow", "optuna", "rich"}
    code = f"import sys, pipeline.executors; print(*({heavy} & sys.modules.keys()))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == ""
