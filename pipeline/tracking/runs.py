"""A study and its trials as MLflow's runs: every write of a study, used by the sending thread alone."""

import getpass
import json
import os
from collections.abc import Iterator, Mapping, Sequence

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run, RunTag
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID, MLFLOW_SOURCE_NAME, MLFLOW_SOURCE_TYPE, MLFLOW_USER
from mlflow.utils.validation import MAX_METRICS_PER_BATCH, MAX_PARAMS_TAGS_PER_BATCH

from pipeline.tracking import entities
from pipeline.tracking.entities import StudyInfo


class Runs:
    """The run of one study and the child runs of its trials, by number. Methods may raise whatever MLflow raises.

    A write may come twice, when its answer was lost: each is made so that this does no harm.
    """

    def __init__(self, client: MlflowClient, experiment: str) -> None:
        self.client, self.experiment = client, experiment
        self.study = ""
        self._trials: dict[int, str] = {}
        self._running: set[int] = set()
        self._places: dict[int, tuple[int, bool | None]] = {}

    def begin_study(self, info: StudyInfo, run_id: str | None) -> str:
        """Makes the study's run or goes on in an old one, and describes the study in it; returns its id."""
        run = self._open(run_id) or self._project_run()
        if run is None:
            run = self.client.create_run(self.experiment, tags=_origin(), run_name=info.name)
        else:
            self.client.update_run(run.info.run_id, status="RUNNING", name=info.name)
        self.study, self.experiment = run.info.run_id, run.info.experiment_id
        for trial in self._children():
            self._adopt(trial)
        self._describe(info, run.data.params)
        return self.study

    def create_trial(self, number: int, tags: Mapping[str, object], now: int) -> None:
        """Makes the run of a trial; one that has the number already is deleted."""
        if number in self._trials:
            self.client.delete_run(self._trials[number])
            del self._trials[number]
            self._places.pop(number, None)
        values = {tag.key: tag.value for tag in entities.tags(tags)}
        values |= {**_origin(), MLFLOW_PARENT_RUN_ID: self.study}
        run = self.client.create_run(self.experiment, now, values, f"trial-{number:04d}")
        self._trials[number] = run.info.run_id
        self._running.add(number)

    def log_trial(self, number: int, metrics: Sequence[Metric], params: Sequence[Param] = ()) -> None:
        """Writes into the run of a trial; one whose run MLflow refused has none, and that is known by then."""
        if number in self._trials:
            self._log(self._trials[number], metrics, params)

    def end_trial(self, number: int, status: str, tags: Sequence[RunTag], now: int) -> None:
        """Ends the run of a trial, if there is one."""
        if number in self._trials:
            self._log(self._trials[number], tags=tags)
            self.client.set_terminated(self._trials[number], status, now)
            self._running.discard(number)

    def rank(self, ranks: Mapping[int, int], front: Mapping[int, bool], now: int) -> None:
        """Writes the places that have changed, rank and front, and moves the mark of the best."""
        for number, rank in ranks.items():
            place, before, run = (rank, front.get(number)), self._places.get(number), self._trials.get(number)
            if run is None or place == before:
                continue
            marks = {"rank": rank, "pareto_front": front.get(number)}
            tags = entities.tags({**marks, "best": "true" if rank == 1 else None})
            self._log(run, entities.metrics(marks, now), tags=tags)
            if before is not None and before[0] == 1 != rank:
                self.client.delete_tag(run, "best")
            self._places[number] = place

    def end_study(self, status: str, metrics: Sequence[Metric], now: int) -> None:
        """Writes what came of the study and ends its run, and before it those of trials that nobody has ended.

        A study that could not begin has no run to end.
        """
        if not self.study:
            return
        killed = status == "KILLED"
        left = {"state": "interrupted" if killed else "failed", "reason": "the study ended before the trial"}
        for number in sorted(self._running):
            self.end_trial(number, "KILLED" if killed else "FAILED", entities.tags(left), now)
        self._log(self.study, metrics)
        self.client.set_terminated(self.study, status, now)

    def _open(self, run_id: str | None) -> Run | None:
        """The run, if it is there and not deleted."""
        try:
            run = self.client.get_run(run_id) if run_id else None
        except MlflowException as error:
            if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                raise
            return None
        return run if run and run.info.lifecycle_stage == "active" else None

    def _project_run(self) -> Run | None:
        """The run that ``mlflow run`` made for this process and named in its environment, unless a study has it."""
        run = self._open(os.environ.get("MLFLOW_RUN_ID"))
        return run if run and "study" not in run.data.tags else None

    def _children(self) -> Iterator[Run]:
        token: str | None = ""
        while token is not None:
            mine = f"tags.`{MLFLOW_PARENT_RUN_ID}` = '{self.study}'"
            page = self.client.search_runs([self.experiment], mine, page_token=token or None)
            yield from page
            token = page.token or None

    def _adopt(self, trial: Run) -> None:
        """Remembers a trial of an earlier session, and ends it if it was cut off."""
        number, run = int(trial.data.tags["number"]), trial.info.run_id
        self._trials[number] = run
        if "rank" in trial.data.tags:
            front = trial.data.tags.get("pareto_front")
            self._places[number] = int(trial.data.tags["rank"]), None if front is None else front == "true"
        if trial.info.status == "RUNNING":
            self._log(run, tags=entities.tags({"state": "interrupted", "reason": "the study was cut off"}))
            self.client.set_terminated(run, "KILLED")

    def _describe(self, info: StudyInfo, known: Mapping[str, str]) -> None:
        job = entities.params(info.job)
        changed = {param.key: param.value for param in job if known.get(param.key, param.value) != param.value}
        tags = entities.tags({"study": info.name, "dataset": info.dataset_name, **changed})
        self._log(self.study, params=[param for param in job if param.key not in known], tags=tags)
        self.client.log_inputs(self.study, [entities.dataset_input(info)])
        plain = json.loads(json.dumps(dict(info.job), default=str))
        self.client.log_dict(self.study, plain, "job.yaml")

    def _log(
        self, run: str, metrics: Sequence[Metric] = (), params: Sequence[Param] = (), tags: Sequence[RunTag] = ()
    ) -> None:
        """One batch, or as many as MLflow's limits ask for."""
        few, many = MAX_PARAMS_TAGS_PER_BATCH, MAX_METRICS_PER_BATCH - 2 * MAX_PARAMS_TAGS_PER_BATCH
        batches = max(-(-len(params) // few), -(-len(tags) // few), -(-len(metrics) // many))
        for batch in range(batches):
            small, large = slice(batch * few, (batch + 1) * few), slice(batch * many, (batch + 1) * many)
            self.client.log_batch(run, metrics[large], params[small], tags[small])


def _origin() -> dict[str, str]:
    """Who made a run and with what, as MLflow's tables show it."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may have no name for its user
        user = "unknown"
    return {MLFLOW_USER: user, MLFLOW_SOURCE_NAME: "convtune", MLFLOW_SOURCE_TYPE: "LOCAL"}
