"""The use of the machine; figures of CPUs are in test_tracker, those of a GPU need a stand-in here."""

import sys
from types import ModuleType, SimpleNamespace

import pytest
from mlflow.system_metrics.metrics import gpu_monitor

from pipeline.tracking.system_usage import SystemUsage


@pytest.fixture
def one_gpu(monkeypatch):
    """The package ``nvidia-ml-py`` on a machine with one GPU, which is half busy."""
    stub = ModuleType("pynvml")
    stub.NVMLError = RuntimeError
    stub.nvmlInit = lambda: None
    stub.nvmlDeviceGetCount = lambda: 1
    stub.nvmlDeviceGetHandleByIndex = lambda index: index
    stub.nvmlDeviceGetMemoryInfo = lambda handle: SimpleNamespace(used=2e9, total=8e9)
    stub.nvmlDeviceGetUtilizationRates = lambda handle: SimpleNamespace(gpu=50)
    stub.nvmlDeviceGetPowerUsage = stub.nvmlDeviceGetEnforcedPowerLimit = lambda handle: 100_000
    stub.__spec__ = SimpleNamespace(name="pynvml")
    monkeypatch.setitem(sys.modules, "pynvml", stub)
    monkeypatch.setattr(gpu_monitor, "pynvml", stub, raising=False)


@pytest.fixture
def no_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)  # as if it were not installed


def train(usage, number, device):
    """What is measured of a trial."""
    usage.begin(number)
    usage._sampled = 0.0  # as if half a second had passed
    usage.sample()
    measured = usage.take(number)
    usage.end(number, device)
    return measured


@pytest.mark.usefixtures("one_gpu")
def test_a_gpu_is_measured_by_mlflows_names(capsys):
    measured = train(SystemUsage(), 0, "gpu")
    assert measured["system/gpu_0_utilization_percentage"] == 50
    assert measured["system/gpu_0_memory_usage_percentage"] == 25
    assert "system/cpu_utilization_percentage" in measured
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("no_package")
def test_a_missing_package_is_told_once_a_gpu_has_trained_and_only_once(capsys):
    usage = SystemUsage()
    assert "system/cpu_utilization_percentage" in train(usage, 0, "cpu")
    train(usage, 1, "")
    assert capsys.readouterr().err == ""
    assert not any("gpu" in name for name in train(usage, 2, "gpu"))
    train(usage, 3, "gpu")
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: MLflow gets no figures of the GPU: the package nvidia-ml-py is missing; `pip ")
