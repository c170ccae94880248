"""Opens MLflow's client: without output, within seconds, and with an error of one line."""

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import mlflow.environment_variables as settings
import mlflow.store.db.utils
from mlflow import MlflowClient
from mlflow.entities import Experiment
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NOTE

from pipeline.errors import StoreAwayError, TrackingError, without_password
from pipeline.tracking.faults import is_away, may_pass
from pipeline.tracking.relocate import artifact_folder
from pipeline.tracking.store import announce_moves, check_database, check_tables, exclusive, sqlite_file, store_uri

_EXPERIMENT = "convtune"
_EXPERIMENT_TAGS = {
    "mlflow.experimentKind": "custom_model_development",
    MLFLOW_RUN_NOTE: (
        "Studies of convtune: each run is a study, the runs below it are its trials. "
        "The menu Views has a study's trials by score, and charts of them."
    ),
}
"""What a new experiment is, in MLflow's list of them."""

_LOGGERS = ("mlflow", "alembic", "sqlalchemy.engine", "huey")


def open_client(uri: str) -> tuple[MlflowClient, str]:
    """A client of the store at ``uri`` and the id of the experiment there, once the store has answered.

    The experiment is that of ``$MLFLOW_EXPERIMENT_ID`` or ``$MLFLOW_EXPERIMENT_NAME``, else ``convtune``; one that is
    named is created if it does not exist. Raises TrackingError within seconds when the store cannot be used: a
    StoreAwayError where it is on another machine and does not answer, or refuses this user.
    """
    file = sqlite_file(uri)
    with _answering(uri), exclusive(file) if file else nullcontext():
        if file:
            check_database(file)
            announce_moves(file)
        elif uri.startswith("postgresql"):
            check_tables(uri)
        client = MlflowClient(uri)
        return client, _experiment_id(client, uri)


def ask_store(uri: str | None = None) -> str:
    """Which store ``uri`` (None: as for ``connect``) is, and that it answers or will be made. Writes nothing.

    TrackingError within seconds when it cannot be reached or used.
    """
    store = store_uri(uri)
    file = sqlite_file(store)
    if file is not None and not file.exists():
        return f"{file} will be made by the first study"
    with _answering(store):
        if file:
            check_database(file)
        elif store.startswith("postgresql"):
            check_tables(store)
        MlflowClient(store).search_experiments(max_results=1)
    return f"{without_password(store)} answers"


@contextmanager
def _answering(uri: str) -> Iterator[None]:
    """Turns what MLflow raises in the block into a TrackingError of one line, within seconds."""
    _silence_mlflow()
    try:
        with _one_attempt(), patience(retries=0, seconds=5):
            yield
    except TrackingError:
        raise
    except Exception as error:
        problem = f"{without_password(uri)}: MLflow's store cannot be used: {short_reason(error)}"
        line = f"{problem}; {_advice(uri, error)}"
        raise (StoreAwayError(line, may_pass(error)) if is_away(uri, error) else TrackingError(line)) from None


def short_reason(error: BaseException) -> str:
    """The cause of an error in one line of at most 200 characters, without passwords: MLflow's messages have many."""
    text = without_password(" ".join(str(error).split())) or type(error).__name__
    cause = re.search(_COMMON_CAUSES, text)
    return cause[0] if cause else text[:200]


_COMMON_CAUSES = (
    r"Connection (refused|aborted)|[Tt]imed out|Failed to resolve '[^']*'|error code \d+|out-of-date database schema"
    r"|filesystem tracking backend .* is in maintenance mode"
)


def refusal(store: str, error: BaseException, what: str = "") -> TrackingError:
    """That the store has answered, but then refused ``what`` ("": the request): why, and what to do, in one line."""
    problem = f"{without_password(store)}: MLflow refused{what and f' {what}'}: {short_reason(error)}"
    return TrackingError(f"{problem}; {_advice(store, error, _advice_after_an_answer(error))}")


def _advice_after_an_answer(error: BaseException) -> str:
    if re.search(r"Connection|[Tt]imed out|Failed to resolve|error code 5\d\d", str(error)):
        return "see that the server runs, then repeat the command"
    if "database is locked" in str(error):
        return "end the other program that writes to it, or wait for it, then repeat the command"
    return "mend that and repeat the command, or set MLFLOW_TRACKING_URI to another store"


_NO_ANSWER = "start the server or set MLFLOW_TRACKING_URI; unset, runs go to mlflow.db in the current folder"


def _advice(uri: str, error: BaseException, otherwise: str = _NO_ANSWER) -> str:
    if "MLFLOW_ALLOW_FILE_STORE" in str(error):
        return (
            "set MLFLOW_TRACKING_URI to a database, as in sqlite:///mlflow.db (`mlflow migrate-filestore` copies the "
            "old runs), or set MLFLOW_ALLOW_FILE_STORE=true to go on with the folder"
        )
    if "out-of-date database schema" in str(error):
        return f"make a copy of it, then run `mlflow db upgrade {without_password(uri)}`"
    if re.search(r"error code 40[13]", str(error)):
        return "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
    return otherwise


_PACKAGES = {"google": "google-cloud-storage", "azure": "azure-storage-blob azure-identity"}
"""Packages with artifact stores whose modules have other names."""


_KEPT = "metrics are in MLflow, files and models only in the study's folder"


def explain_refused_files(location: str, error: BaseException, kept: str = _KEPT) -> str:
    """Why no files get into the artifact store at ``location``, where they are, and what to do, in one line."""
    if isinstance(error, ImportError) and error.name:
        package = error.name.split(".")[0]
        advice = f"install what it needs, as in `pip install {_PACKAGES.get(package, package)}`"
    else:
        advice = (
            "make that place writable from here; or start the server with --serve-artifacts and name a new experiment "
            "in MLFLOW_EXPERIMENT_NAME, since each keeps its place"
        )
    problem = f"the artifact store {without_password(location)} cannot be used ({short_reason(error)})"
    return f"{problem}; {kept}; {advice}"


def _experiment_id(client: MlflowClient, uri: str) -> str:
    name, wanted = os.environ.get("MLFLOW_EXPERIMENT_NAME"), os.environ.get("MLFLOW_EXPERIMENT_ID")
    if wanted:
        experiment = _experiment_by_id(client, uri, wanted)
        if name and experiment.name != name:
            raise TrackingError(
                f"MLFLOW_EXPERIMENT_ID={wanted}: that is {experiment.name!r}, not the {name!r} of "
                "MLFLOW_EXPERIMENT_NAME; unset one of them"
            )
    else:
        name = name or _EXPERIMENT
        found = client.get_experiment_by_name(name)
        if found is None:
            return str(client.create_experiment(name, _artifact_location(uri, name), _EXPERIMENT_TAGS))
        experiment = found
    if experiment.lifecycle_stage != "active":
        restore = f"`mlflow experiments restore -x {experiment.experiment_id}`"
        raise TrackingError(
            f"{without_password(uri)}: the experiment {experiment.name!r} was deleted; run {restore}, or name another "
            "in MLFLOW_EXPERIMENT_NAME"
        )
    return str(experiment.experiment_id)


def _experiment_by_id(client: MlflowClient, uri: str, wanted: str) -> Experiment:
    try:
        return client.get_experiment(wanted)
    except MlflowException as error:
        if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            raise
        raise TrackingError(
            f"MLFLOW_EXPERIMENT_ID={wanted}: {without_password(uri)} has no such experiment; "
            "`mlflow experiments search` lists them"
        ) from None


def _artifact_location(uri: str, name: str) -> str | None:
    """A folder beside an SQLite file; None for a server, which decides itself."""
    file = sqlite_file(uri)
    return artifact_folder(file, name).as_uri() if file else None


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
def _one_attempt() -> Iterator[None]:
    """One attempt to open a database, which MLflow would try for 100 seconds."""
    attempts = mlflow.store.db.utils.MAX_RETRY_COUNT
    mlflow.store.db.utils.MAX_RETRY_COUNT = 1
    try:
        yield
    finally:
        mlflow.store.db.utils.MAX_RETRY_COUNT = attempts


_PATIENCE = (
    settings.MLFLOW_HTTP_REQUEST_MAX_RETRIES,
    settings.MLFLOW_HTTP_REQUEST_TIMEOUT,
    settings.MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR,
)
_MLFLOWS_OWN = tuple(setting.default for setting in _PATIENCE)


@contextmanager
def patience(retries: int = 2, seconds: int = 30) -> Iterator[None]:
    """How often and how long a server is tried in the block; then as before, for a program that uses MLflow itself."""
    before = [setting.default for setting in _PATIENCE]
    set_patience(retries, seconds)
    try:
        yield
    finally:
        for setting, value in zip(_PATIENCE, before, strict=True):
            setting.default = value


def set_patience(retries: int, seconds: int) -> None:
    """The same until it is changed; MLflow's own 7 retries of 120 seconds take minutes."""
    for setting, value in zip(_PATIENCE, (retries, seconds, 1), strict=True):
        setting.default = value


def restore_patience() -> None:
    """Gives back MLflow's own, for a program that uses MLflow itself after a study."""
    for setting, value in zip(_PATIENCE, _MLFLOWS_OWN, strict=True):
        setting.default = value
