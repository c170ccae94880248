import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.executors.gpu_memory import MOST_PER_GPU, WORKER_GPU_BYTES, free_memory, memory_of, workers_per_gpu

SMI = """#!/bin/sh
case "$*" in
  *--id=0*memory.free*) echo 1000;;
  *--id=GPU-b*memory.free*) echo 3000;;
  *--id=0*memory.total*) echo 81559;;
  *--id=2*) echo '[N/A]';;
  *) echo 'No devices were found'; exit 6;;
esac
"""


@pytest.fixture
def smi(tmp_path, monkeypatch):
    """A script in the place of ``nvidia-smi``."""
    program = tmp_path / "nvidia-smi"
    program.write_text(SMI)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))


def test_the_fullest_gpu_counts(smi):
    assert memory_of("0") == 81559 << 20
    assert free_memory(["GPU-b"]) == 3000 << 20
    assert free_memory(["GPU-b", "0"]) == 1000 << 20


def test_unknown_memory_is_none(smi, monkeypatch):
    assert memory_of("2") is memory_of("MIG-x") is free_memory(["0", "2"]) is free_memory([]) is None
    monkeypatch.setenv("PATH", "")
    assert memory_of("0") is None


@given(st.integers(1, 16), st.integers(1, 512), st.none() | st.integers(0, 200 << 30))
def test_every_gpu_has_a_worker_and_more_only_as_cores_and_memory_suffice(gpus, cores, memory):
    workers = workers_per_gpu(gpus, cores, memory)
    assert 1 <= workers <= MOST_PER_GPU
    assert workers == 1 or 2 * gpus * workers <= cores
    assert workers == 1 or memory is None or 2 * workers * WORKER_GPU_BYTES <= memory


def test_the_machine_that_was_measured():
    assert workers_per_gpu(1, 16, 80 << 30) == 8
