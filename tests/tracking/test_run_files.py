"""Uploads that are refused, by servers that end the connection with it; by the end-to-end tests a real one refuses."""

from types import SimpleNamespace

import pytest
from mlflow.exceptions import MlflowException

from pipeline.tracking.run_files import RunFiles

ABORTED = MlflowException("API request failed: ('Connection aborted.', BrokenPipeError(32, 'Broken pipe'))")


class Refusing:
    """A client of a server that refuses files, and answers the next request only so many times later."""

    def __init__(self, aborted, error=ABORTED):
        self._errors = [error] * aborted

    def log_artifact(self, run, path, folder):
        raise ABORTED

    def get_run(self, run):
        if self._errors:
            raise self._errors.pop()
        return SimpleNamespace(info=SimpleNamespace(artifact_uri="mlflow-artifacts:/0/1"))


def test_a_connection_that_ended_with_a_refused_upload_is_no_server_that_is_away(tmp_path):
    files = RunFiles(Refusing(1))
    files.log("1", tmp_path, "")
    assert files.refused.startswith("the artifact store mlflow-artifacts:/0/1")


@pytest.mark.parametrize(("times", "error"), [(9, ABORTED), (1, MlflowException("Connection refused"))])
def test_a_server_that_is_away_is_not_taken_for_one_that_refuses(times, error, tmp_path):
    files = RunFiles(Refusing(times, error))
    with pytest.raises(MlflowException):
        files.log("1", tmp_path, "")
    assert not files.refused
