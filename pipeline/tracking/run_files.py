"""The files of a study's run in MLflow's artifact store, which may be out of reach while the rest of MLflow is not."""

from collections.abc import Callable, Collection
from pathlib import Path

from mlflow import MlflowClient
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from pipeline.tracking.client import explain_refused_files


class RunFiles:
    """Sends and removes files of runs; ``refused`` says why none gets into MLflow ("": they do)."""

    def __init__(self, client: MlflowClient) -> None:
        self._client = client
        self.refused = ""

    def log(self, run: str, path: Path, folder: str) -> None:
        """Uploads a file, or a folder with all its content, below ``folder`` of the run's files."""
        path.stat()  # a file that is gone is not the artifact store's fault
        self.send(run, lambda: self._client.log_artifact(run, str(path), folder or None))

    def send(self, run: str, send: Callable[[], object]) -> None:
        """Runs ``send``, which uploads files, unless an earlier upload has failed while MLflow itself answered.

        It is tried twice: the first time it may have been MLflow's server that was away.
        """
        if self.refused:
            return
        for last in (False, True):
            try:
                send()
                return
            except Exception as error:
                location = self._location(run)
                if last:
                    self.refused = explain_refused_files(location, error)

    def remove(self, run: str, folder: str, names: Collection[str]) -> None:
        """Removes the files of these names from ``folder`` of the run's files, as far as they are there."""
        if self.refused:
            return
        # The client's own list asks for logged models too, which not every server has.
        store = get_artifact_repository(self._location(run), self._client.tracking_uri)
        for file in store.list_artifacts(folder):
            if file.path.removeprefix(f"{folder}/") in names:
                store.delete_artifacts(file.path)  # type: ignore[no-untyped-call]

    def _location(self, run: str) -> str:
        """Where the files of the run are. It raises if it is MLflow itself that is gone.

        It is asked again if the connection was closed: that is how servers end an upload that they refuse unread.
        """
        try:
            found = self._client.get_run(run)
        except Exception as error:
            if "Connection aborted" not in str(error):
                raise
            found = self._client.get_run(run)
        return str(found.info.artifact_uri)
