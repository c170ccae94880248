"""The place that MLflow's variables and an active run ask for a study's run, and what is said where it has another."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from pipeline.errors import printable, without_password

_RUN_ID = "MLFLOW_RUN_ID"
_EXPERIMENTS = ("MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME")
"""The variables that name an experiment; the first one that is set is said."""


def active_run() -> str:
    """The id of the run that this thread is in, as in ``with mlflow.start_run()``; "" outside of any."""
    run = mlflow.active_run()
    return str(run.info.run_id) if run is not None else ""


def find_run(client: MlflowClient, run_id: str | None) -> Run | None:
    """The run with this id; None if it does not exist or was deleted."""
    run = _find_any(client, run_id)
    return run if run is not None and run.info.lifecycle_stage == "active" else None


def _find_any(client: MlflowClient, run_id: str | None) -> Run | None:
    try:
        return client.get_run(run_id) if run_id else None
    except MlflowException as error:
        if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            raise
        return None


@dataclass(frozen=True)
class Surroundings:
    """Where a study begins: the experiment that is asked for, and the id of the active run ("": none)."""

    client: MlflowClient
    experiment: str
    active: str

    def offered(self) -> Run | None:
        """The run that ``mlflow run`` made for this process and named in its environment, unless a study uses it."""
        wanted = os.environ.get(_RUN_ID)
        return None if self._obstacle(wanted) else find_run(self.client, wanted)

    def parent(self) -> Run | None:
        """The active run, below which a new study's run belongs; None if there is none in this store."""
        return find_run(self.client, self.active)

    def ignored(self, run: Run, study: str, new: bool) -> Iterator[str]:
        """A line for each wish that ``run``, that of the study named ``study``, does not meet; ``new``: just made."""
        own, study = run.info.run_id, printable(study)
        wanted = os.environ.get(_RUN_ID)
        if wanted and wanted != own:
            stays = f"{study} stays in its run {own}"
            why = f"{self._obstacle(wanted)}; {study} has a run of its own" if new else stays
            yield f"{_RUN_ID}={printable(wanted)}: {why}"
        variable = next(filter(os.environ.get, _EXPERIMENTS), None)
        if variable and run.info.experiment_id != self.experiment:
            name = self.client.get_experiment(run.info.experiment_id).name
            where = f"{study} stays in the experiment {printable(name)!r}, where its run is"
            yield f"{variable}={printable(os.environ[variable])}: {where}"
        if self.active and self.active not in (own, run.data.tags.get(MLFLOW_PARENT_RUN_ID)):
            there = self.parent() is not None
            why = f"{study} stays where its run is" if there else f"it is not in {self._store}, which has {study}"
            yield f"the active run {self.active} is not the parent: {why}"

    def _obstacle(self, wanted: str | None) -> str:
        """Why a study cannot use the run with this id; "" if it can, or if none is named."""
        run = _find_any(self.client, wanted)
        if run is None:
            return f"no such run in {self._store}" if wanted else ""
        if run.info.lifecycle_stage != "active":
            return "that run was deleted"
        study = run.data.tags.get("study")
        return "" if study is None else f"that run is the study {printable(study)}"

    @property
    def _store(self) -> str:
        return without_password(self.client.tracking_uri)
