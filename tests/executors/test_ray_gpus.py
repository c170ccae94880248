"""On a real cluster whose nodes offer GPUs, or do not: who gets which, and when a worker learns of it."""

import os
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass

import pytest

from pipeline.errors import JobError
from pipeline.executors import Slots, call_all
from pipeline.executors import ray as ray_executor
from pipeline.executors.gpu_memory import GPU_SHARE
from pipeline.executors.ray_cluster import connect
from pipeline.study.trial import Decision
from tests.ray_nodes import ONE_CORE, ray_nodes

TWO_GPUS = {"num_cpus": 2, "num_gpus": 2}

MASK = "CUDA_VISIBLE_DEVICES"


@pytest.fixture(scope="module")
def nodes():
    """A head without a GPU and a node with two, to which this process is connected."""
    with ray_nodes(ONE_CORE, TWO_GPUS) as nodes:
        leave = connect(nodes.address, 0)
        yield nodes
        leave()


def warm_up():
    """Imports nothing, where Keras would be imported; notes which GPU it would see."""
    os.environ["SEEN_BY_KERAS"] = os.environ.get(MASK, "all")


@dataclass(frozen=True)
class SeenByKeras:
    """A task that says what its worker saw of GPUs when it warmed up, and its share of the GPU's memory."""

    number: int

    def run(self, report):
        return os.environ["SEEN_BY_KERAS"], os.environ.get(GPU_SHARE, "")


def start(tmp_path, **wanted):
    wanted = {"workers": 9, "follows": True} | wanted
    return closing(ray_executor.start(Slots(**wanted), tmp_path / "worker.log", warm_up))


def seen(executor):
    return Counter(call_all(executor, [SeenByKeras(number) for number in range(executor.slots)]))


def test_slots_follow_gpus_and_each_worker_knows_its_own_before_keras_is_imported(nodes, tmp_path, capfd):
    with start(tmp_path) as executor:
        assert seen(executor) == {("0", ""): 1, ("1", ""): 1}
    line = "warning: Ray: 1 of 2 nodes has no GPU and trains nothing; `--gpus none` trains on the cores of all\n"
    assert capfd.readouterr() == ("", line)


def test_workers_share_gpus(nodes, tmp_path):
    with start(tmp_path, per_gpu=2) as executor:
        assert seen(executor) == {("0", "0.45"): 2, ("1", "0.45"): 2}


def test_without_gpus_all_cores_train_and_no_worker_sees_a_gpu(nodes, tmp_path, capfd):
    with start(tmp_path, hides_gpus=True) as executor:
        assert seen(executor) == {("-1", ""): 3}
    assert capfd.readouterr() == ("", "")


def test_workers_that_find_no_room_are_told_and_the_others_begin(nodes, tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(ray_executor, "_STRAGGLERS", 2.0)
    with start(tmp_path, workers=3, follows=False) as executor:
        assert seen(executor) == {("0", ""): 1, ("1", ""): 1}
    assert capfd.readouterr().err == (
        "warning: Ray: it has room for 2 of 3 workers; the others begin when nodes join\n"
    )


@pytest.mark.slow
def test_when_the_gpus_leave_trials_go_on_with_cores_and_return_to_gpus_that_join(nodes, tmp_path, capfd):
    with start(tmp_path, per_gpu=2) as executor:
        capfd.readouterr()
        nodes.kill()
        wait_until(executor, lambda: executor.slots == 1 and executor.free == 1)
        assert seen(executor) == {("-1", ""): 1}
        with pytest.raises(JobError, match=r"^--per-gpu: expected nothing on a cluster without a GPU, got 2; see `ray"):
            ray_executor.start(Slots(9, follows=True, per_gpu=2), None, warm_up)
        nodes.join()
        wait_until(executor, lambda: executor.free == 4)
        assert seen(executor) == {("0", "0.45"): 2, ("1", "0.45"): 2}
    assert "the GPUs have left the cluster; trials begin on cores until one joins" in capfd.readouterr().err


def wait_until(executor, condition):
    deadline = time.monotonic() + 60
    while not condition() and time.monotonic() < deadline:
        executor.wait(lambda report: Decision.CONTINUE, 0.2)
    assert condition()
