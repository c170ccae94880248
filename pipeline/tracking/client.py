"""Opens MLflow's client: without output, within seconds, and with an error of one line."""

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from urllib.parse import quote

import mlflow.environment_variables as settings
import mlflow.store.db.utils
from mlflow import MlflowClient

from pipeline.errors import TrackingError
from pipeline.tracking.store import check_database, exclusive, sqlite_file, without_password

_EXPERIMENT = "convtune"
_LOGGERS = ("mlflow", "alembic", "sqlalchemy.engine", "huey")


def open_client(uri: str) -> tuple[MlflowClient, str]:
    """A client of the store at ``uri`` and the id of the experiment there, once the store has answered.

    The experiment is ``$MLFLOW_EXPERIMENT_NAME``, else ``convtune``; it is created if it does not exist. Raises
    TrackingError within seconds when the store cannot be reached or used.
    """
    _silence_mlflow()
    file = sqlite_file(uri)
    try:
        with _short_patience(), exclusive(file) if file else nullcontext():
            if file:
                check_database(file)
            client = MlflowClient(uri)
            return client, _experiment_id(client, uri)
    except TrackingError:
        raise
    except Exception as error:
        problem = f"{without_password(uri)}: MLflow's store cannot be used: {short_reason(error)}"
        raise TrackingError(f"{problem}; {_advice(uri, error)}") from None
    finally:
        _set_patience(retries=2, seconds=30)


def short_reason(error: BaseException) -> str:
    """The cause of an error in one line of at most 200 characters: MLflow's own messages run over many lines."""
    text = " ".join(str(error).split()) or type(error).__name__
    cause = re.search(_COMMON_CAUSES, text)
    return cause[0] if cause else text[:200]


_COMMON_CAUSES = r"Connection refused|[Tt]imed out|Failed to resolve '[^']*'|error code \d+|out-of-date database schema"


def _advice(uri: str, error: BaseException) -> str:
    if "out-of-date database schema" in str(error):
        return f"make a copy of it, then run `mlflow db upgrade {without_password(uri)}`"
    if re.search(r"error code 40[13]", str(error)):
        return "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
    return "start the server or set MLFLOW_TRACKING_URI; unset, runs go to mlflow.db in the current folder"


def _experiment_id(client: MlflowClient, uri: str) -> str:
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or _EXPERIMENT
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        return str(client.create_experiment(name, artifact_location=_artifact_location(uri, name)))
    if experiment.lifecycle_stage != "active":
        restore = f"`mlflow experiments restore -x {experiment.experiment_id}`"
        raise TrackingError(
            f"{without_password(uri)}: the experiment {name!r} was deleted; run {restore}, or name another in "
            "MLFLOW_EXPERIMENT_NAME"
        )
    return str(experiment.experiment_id)


def _artifact_location(uri: str, name: str) -> str | None:
    """A folder beside an SQLite file (MLflow would use the current folder); None for a server, which decides itself."""
    file = sqlite_file(uri)
    return (file.parent / "mlruns" / quote(name, safe="")).as_uri() if file else None


def _silence_mlflow() -> None:
    """Keeps MLflow's log lines from the terminal: only the root logger's handlers get them. MLflow sends no telemetry.

    These are defaults of MLflow's settings in this process: a variable that the user has set wins, and no child process
    inherits them.
    """
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers = [logging.NullHandler()]
        logger.propagate = True
    settings.MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT.default = True
    settings.MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR.default = False
    settings.MLFLOW_DISABLE_TELEMETRY.default = True


@contextmanager
def _short_patience() -> Iterator[None]:
    """One attempt of at most 5 seconds; also for a database, which MLflow would try to open for 100 seconds."""
    attempts = mlflow.store.db.utils.MAX_RETRY_COUNT
    mlflow.store.db.utils.MAX_RETRY_COUNT = 1
    _set_patience(retries=0, seconds=5)
    try:
        yield
    finally:
        mlflow.store.db.utils.MAX_RETRY_COUNT = attempts


def _set_patience(retries: int, seconds: int) -> None:
    """How often and how long a dead server is tried; MLflow's own 7 retries of 120 seconds take minutes."""
    settings.MLFLOW_HTTP_REQUEST_MAX_RETRIES.default = retries
    settings.MLFLOW_HTTP_REQUEST_TIMEOUT.default = seconds
    settings.MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR.default = 1
