"""Opens MLflow's client: quietly, soon, and with an error of one line."""

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
from pipeline.tracking.store import alone, check_database, shown, sqlite_file

_EXPERIMENT = "convtune"
_LOGGERS = ("mlflow", "alembic", "sqlalchemy.engine", "huey")


def open_client(uri: str) -> tuple[MlflowClient, str]:
    """A client of the store at ``uri`` and the id of the experiment there, once it has answered.

    The experiment is ``$MLFLOW_EXPERIMENT_NAME``, else ``convtune``, and is made if need be. Raises TrackingError
    within seconds when the store cannot be reached or used.
    """
    _quieten()
    file = sqlite_file(uri)
    try:
        with _patience(retries=0, seconds=5), alone(file) if file else nullcontext():
            if file:
                check_database(file)
            client = MlflowClient(uri)
            return client, _experiment(client, uri)
    except TrackingError:
        raise
    except Exception as error:
        what = f"{shown(uri)}: MLflow's store cannot be used: {reason(error)}"
        raise TrackingError(f"{what}; {_advice(uri, error)}") from None
    finally:
        _set_patience(retries=2, seconds=30)


def reason(error: BaseException) -> str:
    """What went wrong, in at most 200 characters: MLflow's own messages run over many lines."""
    text = " ".join(str(error).split()) or type(error).__name__
    known = re.search(_KNOWN, text)
    return known[0] if known else text[:200]


_KNOWN = r"Connection refused|[Tt]imed out|Failed to resolve '[^']*'|error code \d+|out-of-date database schema"


def _advice(uri: str, error: BaseException) -> str:
    if "out-of-date database schema" in str(error):
        return f"make a copy of it, then run `mlflow db upgrade {shown(uri)}`"
    if re.search(r"error code 40[13]", str(error)):
        return "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
    return "start the server or set MLFLOW_TRACKING_URI; unset, runs go to mlflow.db in the current folder"


def _experiment(client: MlflowClient, uri: str) -> str:
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or _EXPERIMENT
    found = client.get_experiment_by_name(name)
    if found is None:
        return str(client.create_experiment(name, artifact_location=_artifacts(uri, name)))
    if found.lifecycle_stage != "active":
        restore = f"mlflow experiments restore -x {found.experiment_id}"
        raise TrackingError(
            f"{shown(uri)}: the experiment {name!r} was deleted; `{restore}`, or name another in MLFLOW_EXPERIMENT_NAME"
        )
    return str(found.experiment_id)


def _artifacts(uri: str, name: str) -> str | None:
    """Beside an SQLite file (MLflow's own rule is the folder of whoever came first); otherwise the server decides."""
    file = sqlite_file(uri)
    return (file.parent / "mlruns" / quote(name, safe="")).as_uri() if file else None


def _quieten() -> None:
    """Nothing to the terminal: log lines go to the root logger's handlers only, and MLflow prints and sends nothing.

    These are the defaults of MLflow's settings in this process: a variable set by the user wins, and no child inherits.
    """
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers = [logging.NullHandler()]
        logger.propagate = True
    settings.MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT.default = True
    settings.MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR.default = False
    settings.MLFLOW_DISABLE_TELEMETRY.default = True


@contextmanager
def _patience(retries: int, seconds: int) -> Iterator[None]:
    """As ``_set_patience``; a database too is tried ``retries`` more times rather than for MLflow's 100 seconds."""
    attempts, mlflow.store.db.utils.MAX_RETRY_COUNT = mlflow.store.db.utils.MAX_RETRY_COUNT, retries + 1
    _set_patience(retries, seconds)
    try:
        yield
    finally:
        mlflow.store.db.utils.MAX_RETRY_COUNT = attempts


def _set_patience(retries: int, seconds: int) -> None:
    """A dead server costs ``retries`` more attempts of at most ``seconds``; MLflow's own 7 of 120 take minutes."""
    settings.MLFLOW_HTTP_REQUEST_MAX_RETRIES.default = retries
    settings.MLFLOW_HTTP_REQUEST_TIMEOUT.default = seconds
    settings.MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR.default = 1
