import math
import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.executors import devices
from pipeline.executors.devices import available_memory, bind, count_workers, environments, gpus, most_workers, share
from pipeline.executors.task import Slots

SETTINGS = """CUDA_VISIBLE_DEVICES CUDA_DEVICE_ORDER OMP_NUM_THREADS NPROC TF_ENABLE_ONEDNN_OPTS
TF_FORCE_GPU_ALLOW_GROWTH TF_NUM_INTRAOP_THREADS TF_NUM_INTEROP_THREADS XLA_PYTHON_CLIENT_PREALLOCATE"""


@pytest.fixture(autouse=True)
def no_settings(monkeypatch):
    """The inline executor sets some of these in its process, which may be this one."""
    for name in SETTINGS.split():
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def driver(tmp_path, monkeypatch):
    """Stands in for ``nvidia-smi``: prints what it is given."""

    def says(text: str) -> None:
        program = tmp_path / "nvidia-smi"
        program.write_text(f"#!/bin/sh\nprintf '{text}'\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))

    return says


@pytest.mark.parametrize(
    ("listing", "cards"),
    [("0\\n1\\n", ["0", "1"]), ("", []), ("[N/A]\\n1\\n", ["1"]), ("No devices were found\\n", [])],
)
def test_every_card_counts_without_a_mask(driver, listing, cards):
    driver(listing)
    assert gpus() == cards


@pytest.mark.parametrize(
    ("mask", "cards"),
    [
        ("1", ["1"]),
        ("3, 0", ["3", "0"]),
        ("", []),
        ("-1", []),
        ("0,-1,2", ["0"]),
        ("NoDevFiles", []),
        ("GPU-aaa,MIG-bbb", ["GPU-aaa", "MIG-bbb"]),
    ],
)
def test_the_users_mask_is_taken_at_its_word(driver, monkeypatch, mask, cards):
    driver("0\\n")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", mask)
    assert gpus() == cards


def test_no_driver_means_no_card(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert gpus() == []


def test_cards_are_dealt_in_turn():
    assert [env["CUDA_VISIBLE_DEVICES"] for env in environments(Slots(3, ("2", "GPU-a")))] == ["2", "GPU-a", "2"]


def test_cards_are_counted_as_nvidia_smi_does_unless_the_user_counts_them(monkeypatch):
    assert environments(Slots(1, ("0",)))[0]["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert "CUDA_DEVICE_ORDER" not in environments(Slots(1, ("0",)))[0]


def test_workers_that_share_a_card_have_a_share_of_its_memory(monkeypatch):
    names = ("XLA_PYTHON_CLIENT_MEM_FRACTION", "CONVTUNE_GPU_SHARE")
    assert not set(names) & set(environments(Slots(2, ("0", "1")))[0])
    for settings in environments(Slots(4, ("0", "1"), per_gpu=2)):
        assert [settings[name] for name in names] == ["0.45", "0.45"]
    monkeypatch.setenv(names[0], "0.2")
    assert names[0] not in environments(Slots(4, ("0",), per_gpu=4))[0]


def test_cards_can_be_hidden_from_workers():
    assert [env["CUDA_VISIBLE_DEVICES"] for env in environments(Slots(2, hides_gpus=True))] == ["-1", "-1"]
    assert "CUDA_VISIBLE_DEVICES" not in environments(Slots(2))[0], "a backend may find what nvidia-smi does not"


def test_what_the_user_has_set_stays(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("XLA_PYTHON_CLIENT_PREALLOCATE", "true")
    settings = environments(Slots(2))[0]
    assert not {"OMP_NUM_THREADS", "XLA_PYTHON_CLIENT_PREALLOCATE"} & set(settings)
    assert settings["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"


@pytest.mark.parametrize(("cores", "threads"), [(2, "2"), (64, "8")])
def test_one_of_several_workers_has_the_threads_that_it_could_use_alone(monkeypatch, cores, threads):
    monkeypatch.setattr(devices, "usable_cores", lambda: list(range(cores)))
    monkeypatch.setattr(devices, "cpu_quota", lambda: math.inf)
    settings = environments(Slots(4))[0]
    assert {settings[name] for name in ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS", "NPROC")} == {threads}
    assert "OMP_NUM_THREADS" not in environments(Slots(1))[0]


def test_a_worker_has_no_more_threads_than_its_container_may_use(monkeypatch):
    monkeypatch.setattr(devices, "usable_cores", lambda: list(range(64)))
    for quota, workers, threads in ((1.5, 1, "2"), (1.5, 2, "1"), (8.0, 2, "4"), (8.0, 8, "1"), (32.0, 2, "8")):
        monkeypatch.setattr(devices, "cpu_quota", lambda quota=quota: quota)
        assert environments(Slots(workers))[0]["OMP_NUM_THREADS"] == threads


def test_onednn_is_on_unless_the_user_says_otherwise(monkeypatch):
    assert environments(Slots(1))[0]["TF_ENABLE_ONEDNN_OPTS"] == "1"
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    assert "TF_ENABLE_ONEDNN_OPTS" not in environments(Slots(1))[0]


@given(st.lists(st.integers(0, 200), min_size=1, max_size=64, unique=True), st.integers(1, 70))
def test_cores_are_shared_evenly_and_none_is_idle(cores, workers):
    shares = share(cores, workers)
    assert len(shares) == workers
    assert {core for own in shares for core in own} == set(cores)
    sizes = {len(own) for own in shares}
    assert max(sizes) - min(sizes) <= 1
    assert workers > len(cores) or sum(map(len, shares)) == len(cores)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system binds no threads to cores")
def test_all_threads_of_a_process_are_bound():
    before = os.sched_getaffinity(0)
    inside, outside = threading.Event(), threading.Event()
    bound = []

    def work():
        inside.set()
        outside.wait()
        bound.append(os.sched_getaffinity(threading.get_native_id()))

    thread = threading.Thread(target=work)
    thread.start()
    inside.wait()
    try:
        bind(os.getpid(), [min(before)])
    finally:
        outside.set()
        thread.join()
        own = os.sched_getaffinity(0)
        bind(os.getpid(), sorted(before))
    assert (own, bound) == ({min(before)}, [{min(before)}])


def test_a_process_that_has_ended_is_not_bound():
    bind(2**22 + 1, [0])  # above the largest process id of Linux


def test_a_trial_for_each_core(monkeypatch):
    monkeypatch.setattr(devices, "available_memory", lambda: 64 << 30)
    monkeypatch.setattr(devices, "usable_cores", lambda: [0, 1, 2, 3])
    monkeypatch.setattr("psutil.cpu_count", lambda logical: 2)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert count_workers() == 2
    monkeypatch.setattr("psutil.cpu_count", lambda logical: 8)
    assert count_workers() == 4
    monkeypatch.setattr(devices, "available_memory", lambda: 2_600 << 20)
    assert count_workers() == 2


@pytest.mark.parametrize(
    ("limit", "workers"), [("150000 100000\n", 2), ("max 100000\n", 4), ("50000 100000\n", 1), ("", 4)]
)
def test_a_container_has_the_workers_that_its_quota_is_worth(tmp_path, monkeypatch, limit, workers):
    monkeypatch.setattr(devices, "usable_cores", lambda: [0, 1, 2, 3])
    monkeypatch.setattr("psutil.cpu_count", lambda logical: 4)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr(devices, "_CGROUP", tmp_path)
    if limit:
        (tmp_path / "cpu.max").write_text(limit)
    assert count_workers() == workers
    monkeypatch.setattr(devices, "available_memory", lambda: 1 << 30)
    assert count_workers() == 1


def test_a_machine_has_room_for_some_workers_and_always_for_one():
    assert most_workers(0) == most_workers(1 << 20) == 1
    assert most_workers(8 << 30, 8 << 30) == 1
    assert 5 <= most_workers(4 << 30) <= 10
    assert most_workers(64 << 30) == 16 * most_workers(4 << 30) + 13


def test_a_container_has_less_memory_than_its_machine(tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.executors.devices._CGROUP", tmp_path)
    machine = available_memory()
    assert machine > 1 << 20
    (tmp_path / "memory.current").write_text("3000\n")
    (tmp_path / "memory.stat").write_text("anon 7\ninactive_file 1000\n")
    (tmp_path / "memory.max").write_text("5000\n")
    assert available_memory() == 3000
    (tmp_path / "memory.max").write_text("max\n")
    assert available_memory() > 1 << 20
