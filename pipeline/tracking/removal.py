"""Finds what MLflow holds of a study, and deletes it: its run, those of its trials, its models."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from mlflow import MlflowClient
from mlflow.entities import LifecycleStage, Run
from mlflow.exceptions import MlflowException

from pipeline.errors import TrackingError, without_password
from pipeline.study.copies import NotedFolder
from pipeline.tracking.client import open_client, patience, refusal
from pipeline.tracking.own_run import noted_folder
from pipeline.tracking.pages import remove_view
from pipeline.tracking.sent_model import logged_models
from pipeline.tracking.store import check_exists, store_uri
from pipeline.tracking.trial_runs import child_runs, is_trial
from pipeline.tracking.view import TAG, key_of


@dataclass(frozen=True)
class RegisteredVersion:
    """A version of a registered name, with its aliases and where its files are; ``in_run``: among those of the run."""

    name: str
    version: str
    aliases: tuple[str, ...]
    source: str
    in_run: bool

    def __str__(self) -> str:
        """As in ``version 3 of pets (champion)``."""
        return f"version {self.version} of {self.name}" + (f" ({', '.join(self.aliases)})" if self.aliases else "")


@dataclass(frozen=True)
class StudyRuns:
    """What a store holds of a study: ``runs`` are the active ones that convtune made, trials first.

    ``others`` counts the other runs below the study's: somebody else's, and those of other studies. ``versions`` are
    the models registered from it. ``store`` is the address without password. ``folder`` is the one that the study's run
    names as that of its study (None: it names none).
    """

    client: MlflowClient
    store: str
    experiment: str
    study: str
    runs: tuple[str, ...]
    others: int
    versions: tuple[RegisteredVersion, ...]
    folder: NotedFolder | None = None

    @patience()
    def delete(self, models: bool, progress: Callable[[int, int], None] = lambda done, total: None) -> None:
        """Deletes the runs, the study's view, its models, and with ``models`` also what is registered.

        The model of a version that stays is kept too. TrackingError if MLflow refuses; then it can be repeated.
        """
        try:
            for version in self.versions if models else ():
                self.client.delete_model_version(version.name, version.version)
            self._delete_models(kept=() if models else [version.source for version in self.versions])
            self._delete_view()
            for done, run in enumerate(self.runs):
                progress(done, len(self.runs))
                self.client.delete_run(run)
        except Exception as error:
            raise refusal(self.store, error, "to delete the study's runs") from None

    def _delete_models(self, kept: Collection[str]) -> None:
        """Deletes the study's logged models, but those whose files are the source of a version that is kept.

        The id of its model is no help: an SQLite store of MLflow 3.17 does not keep it with the version.
        """
        if not self.study:
            return
        for model in logged_models(self.client, self.experiment, self.study):
            if not any(model.model_id in source for source in kept):
                self.client.delete_logged_model(model.model_id)

    def _delete_view(self) -> None:
        view = TAG + key_of(self.study)
        if self.study and view in self.client.get_experiment(self.experiment).tags:
            remove_view(self.client, self.experiment, view)


@patience()
def find_runs(run: str, uri: str | None = None) -> StudyRuns:
    """What the store at ``uri`` (None: as for ``connect``) holds of the study whose run is ``run`` ("": it has none).

    TrackingError if the store cannot be reached or does not know the run. A run deleted in MLflow is known.
    """
    store = store_uri(uri)
    check_exists(store)
    client, experiment = open_client(store)
    shown = without_password(store)
    if not run:
        return StudyRuns(client, shown, experiment, "", (), 0, ())
    try:
        study = client.get_run(run)
        experiment = study.info.experiment_id
        children = list(child_runs(client, experiment, run))
        ours = [child.info.run_id for child in children if is_trial(child)]
        active = [run] if study.info.lifecycle_stage == LifecycleStage.ACTIVE else []
        versions, folder = _versions(client, study), noted_folder(client, study)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            advice = "set MLFLOW_TRACKING_URI to the store that it was logged to"
            raise TrackingError(f"{shown}: does not have the study's run {run}; {advice}") from None
        raise refusal(store, error) from None
    return StudyRuns(client, shown, experiment, run, (*ours, *active), len(children) - len(ours), versions, folder)


def _versions(client: MlflowClient, study: Run) -> tuple[RegisteredVersion, ...]:
    found = client.search_model_versions(f"run_id = '{study.info.run_id}'")
    held = {name: client.get_registered_model(name).aliases for name in {one.name for one in found}}
    return tuple(
        RegisteredVersion(
            one.name,
            str(one.version),
            tuple(sorted(alias for alias, version in held[one.name].items() if str(version) == str(one.version))),
            one.source or "",
            (one.source or "").startswith(f"{study.info.artifact_uri}/"),
        )
        for one in sorted(found, key=lambda one: (one.name, int(one.version)))
    )
