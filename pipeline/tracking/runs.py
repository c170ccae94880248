"""A study and its trials as MLflow runs: all writes of a study, which only the sending thread makes."""

import getpass
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mlflow import MlflowClient
from mlflow.entities import DatasetInput, Metric, Param, Run, RunTag
from mlflow.utils.mlflow_tags import (
    MLFLOW_LOGGED_ARTIFACTS,
    MLFLOW_PARENT_RUN_ID,
    MLFLOW_RUN_NAME,
    MLFLOW_RUN_NOTE,
    MLFLOW_SOURCE_NAME,
    MLFLOW_SOURCE_TYPE,
    MLFLOW_USER,
)
from mlflow.utils.validation import MAX_METRICS_PER_BATCH, MAX_PARAMS_TAGS_PER_BATCH

from pipeline.data import Dataset
from pipeline.errors import printable
from pipeline.metrics import DEFAULT_METRIC, METRICS
from pipeline.study.data_facts import DataFacts
from pipeline.study.paths import StudyPaths
from pipeline.study.trial import TrialState
from pipeline.tracking.entities import to_dataset_input, to_params, to_tags
from pipeline.tracking.own_run import STUDY_ID, folder_tags, noted_folder, own_run
from pipeline.tracking.pages import write_view
from pipeline.tracking.run_files import RunFiles
from pipeline.tracking.surroundings import Surroundings
from pipeline.tracking.trial_runs import SOURCE, child_runs, is_trial

StudyStatus = Literal["FINISHED", "KILLED", "FAILED"]

_DESCRIBED = "described_by"
"""The tag of a user's run whose description is ours: one that the user has written stays."""

_COLOUR = "mlflow.runColor"
"""The tag of MLflow's that gives a run its colour in charts."""

_LEADERBOARD = "leaderboard.json"

STATUS: Mapping[TrialState, StudyStatus] = {
    TrialState.COMPLETE: "FINISHED",
    TrialState.PRUNED: "KILLED",
    TrialState.INTERRUPTED: "KILLED",
    TrialState.FAILED: "FAILED",
}
"""The status of the run of a trial that has ended."""


@dataclass(frozen=True)
class About:
    """The study: its name, its job file's content, its dataset, and Markdown that describes it while it runs.

    ``id`` is the study's own, by which its run is found in any store. An older version has noted no id ("") and nothing
    of the dataset (None). ``active`` is the id of the run that the user's program is in ("": in none). ``paths`` is the
    study's folder, which tells its run from that of a copy (None: there is none).
    """

    name: str
    job: Mapping[str, object]
    dataset: DataFacts | None
    description: str = ""
    id: str = ""
    active: str = ""
    paths: StudyPaths | None = None

    @property
    def label(self) -> str:
        """The name of a HyperModel: the text after the ``:`` in the job's space."""
        return str(self.job.get("space", "")).rpartition(":")[2]


@dataclass(frozen=True)
class Place:
    """The place of a trial in its study: its rank, from 1, and whether it is on the Pareto front (None: no front)."""

    rank: int
    front: bool | None


class Runs:
    """The run of one study and the child runs of its trials, by trial number. Methods raise whatever MLflow raises.

    A write may be repeated when its answer was lost: repeating any of them does no harm. ``found`` are the runs of
    trials that earlier sessions have left, as they were; ``renewed`` are the trials whose runs have been written anew.
    ``remarks`` are lines for the user about the study's run.
    """

    client: MlflowClient
    files: RunFiles
    experiment: str

    def __init__(self) -> None:
        self.opened = False
        self.study = ""
        self.remarks: list[str] = []
        self.dataset: DatasetInput | None = None
        self._asked = ""
        self._keeps_note = False
        self._about: About | None = None
        self._began = 0
        self._trials: dict[int, str] = {}
        self._running: set[int] = set()
        self.found: dict[int, Run] = {}
        self.renewed: set[int] = set()
        self._attempts: set[tuple[int, int]] = set()
        self._places: dict[int, Place] = {}

    def use(self, client: MlflowClient, experiment: str) -> None:
        """The client of the store and the experiment there, before anything is written."""
        self.client, self.files, self.experiment, self.opened = client, RunFiles(client), experiment, True
        self._asked = experiment

    def ask(self) -> None:
        """Makes a plain request: it fails where the store is away."""
        self.client.search_experiments(max_results=1)

    def answers(self) -> bool:
        """Whether the store answers a plain request now."""
        with suppress(Exception):
            self.ask()
            return True
        return False

    def begin_study(self, about: About, run_id: str | None) -> str:
        """Creates the study's run or continues an old one, and describes the study in it; returns the run's id.

        A new run is a child of the active run of the user's, in its experiment. A copy of a study's folder leaves
        the run to that study while it is there, and has a new one.
        """
        around = Surroundings(self.client, self._asked, about.active)
        parent = around.parent()
        self.experiment = self._asked if parent is None else parent.info.experiment_id
        own, original = own_run(self.client, self.experiment, run_id, about.id, about.paths)
        found = own or around.offered()
        run = found or self._create_study(about, about.active if parent is not None else "")
        if found is not None:
            self.client.update_run(run.info.run_id, status="RUNNING")
        self.remarks = list(around.ignored(run, about.name, new=found is None))
        if original is not None:
            left = f"a copy of {original}, whose run in MLflow stays as it is"
            self.remarks.append(f"{printable(about.name)} is {left}; it has a run of its own, {run.info.run_id}")
        noted = noted_folder(self.client, run)
        if about.paths is not None and noted is not None and noted.is_elsewhere(about.paths):
            taken = f"goes on with the run in MLflow of {noted}; it counts as that of this folder now"
            self.remarks.append(f"{printable(about.name)} {taken}")
        self.study, self._about, self._began = run.info.run_id, about, run.info.start_time
        self.experiment = run.info.experiment_id
        for child in child_runs(self.client, self.experiment, self.study):
            if is_trial(child):
                self._adopt_trial(child)
        self._describe_study(about, run.data.params, run.data.tags)
        return self.study

    def _create_study(self, about: About, parent: str) -> Run:
        tags = {STUDY_ID: about.id, MLFLOW_PARENT_RUN_ID: parent}
        named = {name: text for name, text in tags.items() if text}
        return self.client.create_run(self.experiment, tags=_source_tags() | named, run_name=about.name)

    @contextmanager
    def exporting(self, name: str, dataset: Dataset | None) -> Iterator[None]:
        """A run called ``name`` while the block sends an exported model: FINISHED after it, FAILED if it raises.

        A study's own run tells of its best model alone. ``dataset`` is the one that the model's scores were measured
        on, None if it is not at hand.
        """
        self.study = self.client.create_run(self.experiment, tags=_source_tags(), run_name=name).info.run_id
        try:
            if dataset is not None:
                self.dataset = to_dataset_input(dataset.facts)
                self.client.log_inputs(self.study, [self.dataset])
            yield
        except BaseException:
            with suppress(Exception):  # it may be MLflow that is gone
                self.client.set_terminated(self.study, "FAILED")
            raise
        self.client.set_terminated(self.study, "FINISHED")

    def create_trial(self, number: int, title: str, tags: Sequence[RunTag], now: int) -> None:
        """Creates the run of a trial, named ``title``; an earlier run with the same number is deleted."""
        if number in self._trials:
            self.client.delete_run(self._trials[number])
            del self._trials[number]
            self.found.pop(number, None)
            self._places.pop(number, None)
        all_tags = {tag.key: tag.value for tag in tags} | _source_tags() | {MLFLOW_PARENT_RUN_ID: self.study}
        run = self._find_created(number, now)
        if run is None:
            run = self.client.create_run(self.experiment, now, all_tags, title)
        self._trials[number] = run.info.run_id
        self._running.add(number)
        if self.dataset is not None:
            self.client.log_inputs(run.info.run_id, [self.dataset])

    def _find_created(self, number: int, now: int) -> Run | None:
        """The run of a trial that an earlier attempt created, although its answer was lost; None at the first one."""
        if (number, now) not in self._attempts:
            self._attempts.add((number, now))
            return None
        runs = (run for run in child_runs(self.client, self.experiment, self.study) if run.info.start_time == now)
        return next((run for run in runs if run.data.tags.get("number") == str(number)), None)

    def log_trial(self, number: int, metrics: Sequence[Metric], params: Sequence[Param] = ()) -> None:
        """Writes to the run of a trial; does nothing if MLflow has refused that run, which is reported already."""
        if number in self._trials:
            self._log(self._trials[number], metrics, params)

    def end_trial(self, number: int, state: TrialState, tags: Sequence[RunTag], now: int, title: str = "") -> None:
        """Ends the run of a trial, if there is one, and names it ``title`` ("": it keeps its name)."""
        if number in self._trials:
            run = self._trials[number]
            self._log(run, tags=[*_end_tags(state), *tags])
            if title:
                self.client.set_tag(run, MLFLOW_RUN_NAME, title)  # update_run would read the whole run first
            self.client.set_terminated(run, STATUS[state], now)
            self._running.discard(number)

    def rank(self, places: Mapping[int, Place]) -> None:
        """Writes the rank and front of each place that has changed, and whether it is the best, in one request."""
        for number, place in places.items():
            before, run = self._places.get(number), self._trials.get(number)
            if run is None or place == before:
                continue
            tags = to_tags({"rank": place.rank, "pareto_front": place.front, "best": place.rank == 1})
            self._log(run, tags=tags)
            self._places[number] = place

    def log_leaderboard(self, table: Mapping[str, object]) -> None:
        """Uploads the table to the study's run, and tells the UI that it is one."""
        self.files.send(self.study, lambda: self.client.log_dict(self.study, dict(table), _LEADERBOARD))
        listed = json.dumps([{"path": _LEADERBOARD, "type": "table"}])
        self._log(self.study, tags=to_tags({MLFLOW_LOGGED_ARTIFACTS: listed}))

    def log_file(self, path: Path, folder: str) -> None:
        """Uploads a file, or a folder with all its content, below ``folder`` of the study's files."""
        self.files.log(self.study, path, folder)

    def remove_files(self, folder: str, names: Collection[str]) -> None:
        """Removes the files of these names from ``folder`` of the study's files, as far as they are there."""
        self.files.remove(self.study, folder, names)

    def end_study(
        self,
        status: StudyStatus,
        metrics: Sequence[Metric],
        description: str,
        importances: Mapping[str, float],
        now: int,
    ) -> None:
        """Ends the trials that still run, then describes the study, prepares its view, and ends its run.

        A study that could not begin has no run to end.
        """
        if not self.study or self._about is None:
            return
        state = TrialState.INTERRUPTED if status == "KILLED" else TrialState.FAILED
        why = to_tags({"reason": "the study ended before the trial"})
        for number in sorted(self._running):
            self.end_trial(number, state, why, now)
        self._log(self.study, metrics, tags=[] if self._keeps_note else to_tags({MLFLOW_RUN_NOTE: description}))
        metric = METRICS.get(str(self._about.job.get("metric")), DEFAULT_METRIC)
        write_view(self.client, self.experiment, self.study, self._about.name, metric, importances)
        self.client.set_terminated(self.study, status, max(now, self._began))  # the clock may have been set back

    def _adopt_trial(self, run: Run) -> None:
        """Remembers a trial of an earlier session, and ends its run if the session was cut off.

        An older run of the same trial is deleted: the process was killed between the two.
        """
        number, tags = int(run.data.tags["number"]), run.data.tags
        if self._trials.get(number, run.info.run_id) != run.info.run_id:
            self.client.delete_run(run.info.run_id)  # the newest comes first
            return
        self._trials[number], self.found[number] = run.info.run_id, run
        if "rank" in tags:
            front = tags.get("pareto_front")
            self._places[number] = Place(int(tags["rank"]), None if front is None else front == "true")
        if run.info.status == "RUNNING":
            end = to_tags({"reason": "the study was cut off"})
            self._log(run.info.run_id, tags=[*_end_tags(TrialState.INTERRUPTED), *end])
            self.client.set_terminated(run.info.run_id, "KILLED")

    def _describe_study(self, about: About, old_params: Mapping[str, str], old_tags: Mapping[str, str]) -> None:
        ours = old_tags.get(MLFLOW_SOURCE_NAME) == SOURCE or _DESCRIBED in old_tags
        self._keeps_note = MLFLOW_RUN_NOTE in old_tags and not ours
        params = to_params(about.job)
        changed = {param.key: param.value for param in params if old_params.get(param.key, param.value) != param.value}
        data = about.dataset
        tags = {"study": about.name, "dataset": data and data.name, "metric": about.job.get("metric"), **changed}
        tags |= {STUDY_ID: about.id, **folder_tags(self.client, about.paths)}
        if MLFLOW_RUN_NOTE not in old_tags:
            tags |= {MLFLOW_RUN_NOTE: about.description, _DESCRIBED: SOURCE}
        elif self._keeps_note:
            self.remarks.append(f"the run {self.study} of {about.name} keeps the description that it had")
        self._log(self.study, params=[param for param in params if param.key not in old_params], tags=to_tags(tags))
        if data is not None:
            self.dataset = to_dataset_input(data)
            self.client.log_inputs(self.study, [self.dataset])
        plain = json.loads(json.dumps(dict(about.job), default=str))
        self.files.send(self.study, lambda: self.client.log_dict(self.study, plain, "job.yaml"))

    def _log(
        self, run: str, metrics: Sequence[Metric] = (), params: Sequence[Param] = (), tags: Sequence[RunTag] = ()
    ) -> None:
        """Writes one batch, or as many as MLflow's limits require."""
        few, many = MAX_PARAMS_TAGS_PER_BATCH, MAX_METRICS_PER_BATCH - 2 * MAX_PARAMS_TAGS_PER_BATCH
        batches = max(-(-len(params) // few), -(-len(tags) // few), -(-len(metrics) // many))
        for batch in range(batches):
            small, large = slice(batch * few, (batch + 1) * few), slice(batch * many, (batch + 1) * many)
            self.client.log_batch(run, metrics[large], params[small], tags[small])


def _end_tags(state: TrialState) -> list[RunTag]:
    """The state, and grey in charts for a trial that was not trained to its end."""
    return to_tags({"state": state.value, _COLOUR: None if state is TrialState.COMPLETE else "#b8bec6"})


def _source_tags() -> dict[str, str]:
    """The tags that MLflow's tables show as the user and the source of a run."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # in a container the user may have no name
        user = "unknown"
    return {MLFLOW_USER: user, MLFLOW_SOURCE_NAME: SOURCE, MLFLOW_SOURCE_TYPE: "LOCAL"}
