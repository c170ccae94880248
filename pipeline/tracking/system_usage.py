"""How busy the machine is while a trial trains, as MLflow's own monitors measure and name it."""

import time
from contextlib import suppress
from importlib.util import find_spec
from statistics import fmean
from typing import Any

import psutil
from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor
from mlflow.system_metrics.metrics.gpu_monitor import GPUMonitor

from pipeline.console import warn

PREFIX = "system/"
"""MLflow's UI shows metrics with this prefix apart from the others, over time."""

_EVERY = 0.5
"""Seconds between samples; over shorter times the kernel's counts of processor time say little."""


class SystemUsage:
    """The mean use of processors, memory and GPUs over each epoch of each running trial.

    The figures are those of the machine, not of one worker. A sample takes 0.1 ms (measured, without a GPU). GPUs are
    measured where the package ``nvidia-ml-py`` is installed; that it is missing is told once a trial has used one.
    """

    def __init__(self) -> None:
        self._monitors: list[Any] | None = None
        self._samples: dict[int, list[dict[str, float]]] = {}
        self._sampled = 0.0
        self._told = False

    def begin(self, trial: int) -> None:
        """Begins to measure for a trial."""
        if self._monitors is None:
            self._monitors = [CPUMonitor(), *_gpu_monitors()]  # type: ignore[no-untyped-call]
            psutil.cpu_percent()  # counts from here; the first call returns 0
            self._sampled = time.monotonic()
        self._samples[trial] = []

    def sample(self) -> None:
        """Takes a sample for all running trials, unless the last one was a moment ago."""
        now = time.monotonic()
        if self._monitors is None or now - self._sampled < _EVERY:
            return
        self._sampled = now
        sample: dict[str, float] = {}
        for monitor in self._monitors:
            with suppress(Exception):  # a GPU that no longer answers is no reason to end a study
                monitor.collect_metrics()
                sample |= monitor.aggregate_metrics()
            monitor.clear_metrics()
        for samples in self._samples.values():
            samples.append(sample)

    def take(self, trial: int) -> dict[str, float]:
        """The means of the samples since the last call, by MLflow's names; empty if there are none."""
        samples, self._samples[trial] = self._samples.get(trial, []), []
        names = dict.fromkeys(name for sample in samples for name in sample)
        return {PREFIX + name: fmean(sample[name] for sample in samples if name in sample) for name in names}

    def end(self, trial: int, device: str) -> None:
        """Ends the measuring for a trial, which was trained on ``device``: ``gpu``, ``cpu``, or "" where unknown."""
        self._samples.pop(trial, None)
        if device == "gpu" and not self._told and find_spec("pynvml") is None:
            self._told = True
            warn(
                "MLflow gets no figures of the GPU: the package nvidia-ml-py is missing; `pip install nvidia-ml-py`, "
                "which the extra gpu brings too"
            )


def _gpu_monitors() -> list[Any]:
    """MLflow's monitor of GPUs, if it can measure any."""
    try:
        return [GPUMonitor()]  # type: ignore[no-untyped-call]
    except Exception:  # the package or a GPU is missing, which MLflow tells by several errors
        return []
