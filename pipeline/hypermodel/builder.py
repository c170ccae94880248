"""A worker that builds the models of a HyperModel: it lists the parameters and judges what a search proposes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.data import Dataset
from pipeline.errors import SpaceError, WorkerError
from pipeline.executors import call, worker
from pipeline.hypermodel.space import space
from pipeline.hyperparameter import Scalar
from pipeline.model_card import ModelCard
from pipeline.search.candidate import Verdict, impossible, weighed
from pipeline.space import Space
from pipeline.training.hypermodel.task import Blueprint, Built, HyperTask, Opened
from pipeline.trial import Trial

COUNTED = ("parameters", "macs")
"""What is known of a model that is only built; memory and latency are predicted from an Architecture."""
_CPU = {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}
"""Models are only built here; the cards are for those that train."""
_READING = "pipeline.training.hypermodel.space"
"""The module of what the worker runs."""


@dataclass(frozen=True)
class HyperModelCandidate:
    """Values whose model can be trained; key and costs come from the worker that has built it."""

    values: dict[str, Scalar]
    blueprint: Blueprint
    key: str
    costs: Mapping[str, float]

    def task(self, trial: Trial, data: Dataset, precision: str, model_file: Path, card: ModelCard) -> HyperTask:
        """The trial as a worker gets it."""
        return HyperTask(trial, data, precision, model_file, card, self.blueprint)


class Builder:
    """One HyperModel in a worker of its own, on the CPU: judging a proposal never waits for a training.

    Everything raises SpaceError of one line for a HyperModel that cannot be searched.
    """

    def __init__(self, blueprint: Blueprint, log: Path | None) -> None:
        self._worker = worker(log, **_CPU)
        self._blueprint = blueprint
        self._built: dict[frozenset[tuple[str, Scalar]], Built] = {}

    def open(self) -> Opened:
        """Imports the HyperModel; where its source is and which images it takes."""
        opened: Opened = self._ask("opened")
        return opened

    def space(self, data: Dataset) -> Space:
        """The space of all its parameters, for these images."""
        self._blueprint = replace(self._blueprint, shape=data.shape, classes=len(data.classes))
        return space(self._blueprint, self._ask("listed"))

    def judge(self, limits: Mapping[str, float], needed: Iterable[str], values: dict[str, Scalar]) -> Verdict:
        """Whether the model of ``values`` can be trained, is within ``limits`` and has the costs ``needed`` besides."""
        built = self._build(values)
        if built.reason:
            return impossible(built.reason, built.kind, limits)
        costs = {"parameters": built.parameters} | ({} if built.macs is None else {"macs": built.macs})
        unknown = next((name for name in (*limits, *needed) if name not in costs), None)
        if unknown is not None:
            reason = f"its {unknown} cannot be counted: a layer is of a kind that is not known"
            return impossible(reason, f"{unknown} not countable", limits)
        return weighed(HyperModelCandidate(values, self._blueprint, built.key, costs), limits)

    def close(self) -> None:
        """Ends the worker."""
        self._worker.close()

    def _ask(self, question: str) -> Any:
        """What is found of the HyperModel itself; SpaceError too when that ends the worker."""
        try:
            return call(self._worker, f"{_READING}:{question}", self._blueprint)
        except WorkerError as error:
            raise SpaceError(f"{self._blueprint}: {error}") from None

    def _build(self, values: dict[str, Scalar]) -> Built:
        """Built once: a proposal that was infeasible, or that is new, is asked for again."""
        point = frozenset(values.items())
        if point not in self._built:
            try:
                self._built[point] = call(self._worker, f"{_READING}:judged", self._blueprint, values)
            except WorkerError as error:  # it may have needed more memory than there is
                self._built[point] = Built(reason=f"building it failed: {error}", kind="building it failed")
        return self._built[point]
