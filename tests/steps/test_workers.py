"""How many workers a job has, and on which GPUs."""

import pytest

from pipeline.errors import JobError
from pipeline.executors import Slots
from pipeline.executors.devices import most_workers
from pipeline.job.job import Job
from pipeline.steps import workers
from pipeline.steps.workers import slots_of

GIGABYTE = 1 << 30


@pytest.fixture
def machine(monkeypatch):
    """A machine with 16 cores, 64 GB of RAM, and the GPUs with so many gigabytes each that are asked for."""

    def make(*gpus, gigabytes=80, ram=64, cores=16):
        monkeypatch.setattr(workers, "gpus", lambda: list(gpus))
        monkeypatch.setattr(workers, "free_memory", lambda chosen: gigabytes and gigabytes * GIGABYTE)
        monkeypatch.setattr(workers, "available_memory", lambda: ram * GIGABYTE)
        monkeypatch.setattr(workers, "count_cores", lambda: cores)
        monkeypatch.setattr(
            workers, "count_workers", lambda training: min(cores // 2, most_workers(ram * GIGABYTE, training))
        )

    return make


def test_without_a_gpu_each_physical_core_has_a_worker(machine):
    machine()
    assert slots_of(Job("d")) == slots_of(Job("d", workers=0)) == Slots(8)
    assert slots_of(Job("d", trials=3)) == Slots(3)
    assert slots_of(Job("d", workers=5)) == Slots(5)


def test_with_gpus_several_workers_share_each(machine):
    machine("0")
    assert slots_of(Job("d")) == Slots(8, ("0",), 8)
    assert slots_of(Job("d", trials=3)) == Slots(3, ("0",), 3), "the fewer there are, the more memory each may take"
    machine("0", "1")
    assert slots_of(Job("d")) == Slots(8, ("0", "1"), 4)
    assert slots_of(Job("d", per_gpu=1)) == Slots(2, ("0", "1"), 1)
    assert slots_of(Job("d", workers=3)) == Slots(3, ("0", "1"), 2)


@pytest.mark.parametrize(
    ("limits", "per_gpu"),
    [({"gigabytes": 6}, 3), ({"gigabytes": None}, 8), ({"cores": 4}, 2), ({"ram": 4}, 3), ({"ram": 0}, 1)],
)
def test_memory_and_cores_bound_the_workers_of_a_gpu(machine, limits, per_gpu):
    machine("0", **limits)
    assert slots_of(Job("d")) == Slots(per_gpu, ("0",), per_gpu)


def test_large_trainings_have_fewer_workers(machine):
    machine()
    assert slots_of(Job("d", limits=(("memory", "15GiB"), ("macs", 1)))) == Slots(4)
    assert slots_of(Job("d", limits=(("memory", "none"),))) == Slots(8)
    machine("0")
    assert slots_of(Job("d", limits=(("memory", 30 * GIGABYTE),))) == Slots(2, ("0",), 2)


def test_gpus_are_chosen(machine):
    machine("0", "1", "GPU-c")
    assert slots_of(Job("d", gpus=("GPU-c", "1"), per_gpu=1)) == Slots(2, ("GPU-c", "1"), 1)
    assert slots_of(Job("d", gpus=("none",))) == Slots(8, hides_gpus=True)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"gpus": ("2",)}, r"^--gpus: expected some of 0, 1, which are here, got 2; see nvidia-smi"),
        ({"per_gpu": 2, "workers": 5}, r"^--workers: expected at most 4 with --per-gpu 2 on 2 GPUs, got 5"),
        ({"per_gpu": 9}, r"^--per-gpu: expected at most 7, .* 6\.4 GB of GPU memory that are free here, got 9; give"),
        ({"workers": 15}, r"^--workers: expected at most 14, .* GPU memory that are free here, got 15; give fewer$"),
    ],
)
def test_what_the_gpus_cannot_do_is_refused(machine, settings, message):
    machine("0", "1", gigabytes=6)
    with pytest.raises(JobError, match=message):
        slots_of(Job("d", **settings))


def test_what_needs_a_gpu_is_refused_without_one(machine):
    machine()
    with pytest.raises(JobError, match=r"^--gpus: expected none, since there is no GPU here, got 0; "):
        slots_of(Job("d", gpus=("0",)))
    with pytest.raises(JobError, match=r"^--per-gpu: expected nothing without a GPU, got 2; nvidia-smi lists none"):
        slots_of(Job("d", per_gpu=2))


def test_ram_bounds_workers_of_gpus_too(machine):
    machine("0", ram=2)
    with pytest.raises(JobError, match=r"^--workers: expected at most 3, .* 2\.1 GB of memory that are free"):
        slots_of(Job("d", workers=4))
    assert slots_of(Job("d", workers=4, trials=2)).workers == 2
