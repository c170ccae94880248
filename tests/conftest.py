"""Every test run has a cache of its own, and TensorFlow keeps quiet."""

import gc
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import settings

from tests.postgresql import PostgreSQL, running_server

_CACHE = tempfile.TemporaryDirectory(prefix="convtune-tests-")

# Before any import of the code under test, and inherited by the processes that tests start.
os.environ["CONVTUNE_CACHE"] = _CACHE.name
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["XLA_FLAGS"] = "--xla_backend_optimization_level=0"  # a study on JAX compiles for 5 s, so for 2 (measured)
for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_ID", "MLFLOW_RUN_ID"):
    os.environ.pop(name, None)

# How long an example takes says nothing on a machine that does something else besides.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# A shell starts its background jobs with Ctrl-C ignored, and nohup ignores SIGHUP. Every process that a test starts
# would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


# The collector would look again and again at what the tests import: collecting them takes 15 s, so 10 (measured).
gc.disable()


def pytest_collection_finish() -> None:
    """From here on there is garbage; with Python's own thresholds looking for it takes 7 % of the suite (measured)."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One process more than there are cores, four at most: for a third of its time a test waits for what it started."""
    return min(4, (psutil.cpu_count() or 1) + 1)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where several processes share the files, what takes long goes first: else one is left alone with the last."""
    if hasattr(config, "workerinput"):
        slow = {item.path for item in items if item.get_closest_marker("slow")}
        items.sort(key=lambda item: (item.path not in slow, item.path.parent.name not in ("hypermodel", "training")))


@pytest.fixture(scope="session", autouse=True)
def _slow_machine() -> None:
    """The rate of a slow machine, so that no test measures its own: measuring takes seconds, and plans would differ."""
    from pipeline.steps import machine_rate

    for backend, one_dnn in product(("", "jax"), ("", "1")):  # an executor in this process sets the latter
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("KERAS_BACKEND", backend)
            environment.setenv("TF_ENABLE_ONEDNN_OPTS", one_dnn)
            for workers in (1, 2):
                machine_rate.keep(machine_rate.cache_file("auto", workers), 4.8e8)


@pytest.fixture(scope="session", autouse=True)
def _migrations_read_once() -> Iterator[None]:
    """Optuna's 30 migration scripts are imported anew whenever a storage is opened, 0.1 s each time: here once."""
    from alembic.script import ScriptDirectory

    with pytest.MonkeyPatch.context() as patch:
        read, scripts = ScriptDirectory.from_config, {}

        def read_once(config: Any) -> ScriptDirectory:
            location = config.get_main_option("script_location")
            return scripts[location] if location in scripts else scripts.setdefault(location, read(config))

        patch.setattr(ScriptDirectory, "from_config", read_once)
        yield


@pytest.fixture(scope="session", autouse=True)
def _frozen_objects_uncounted() -> Iterator[None]:
    """A study freezes nothing where something is: here millions of objects are, and counting them takes 0.1 s."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gc, "get_freeze_count", lambda: 1)
        yield


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory) -> Path:
    """An MLflow store without runs: making one takes seconds."""
    from pipeline.tracking import connect

    file = tmp_path_factory.mktemp("store") / "mlflow.db"
    connect(f"sqlite:///{file}").close()
    return file


@pytest.fixture
def here(tmp_path, monkeypatch, empty_store) -> Path:
    """A current folder of its own, with an MLflow store that is there already."""
    shutil.copyfile(empty_store, tmp_path / "mlflow.db")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def undrawn(monkeypatch):
    """A study draws no plots and writes no report: they take 2 s, and have tests of their own."""
    monkeypatch.setattr("pipeline.steps.publish.draw_search", lambda trials: {})
    monkeypatch.setattr("pipeline.steps.publish.write_report", lambda trials, output, pictures: {})


@pytest.fixture
def here_alone(monkeypatch):
    """What other commands than ``tune`` leave to a worker runs in this process: a worker takes seconds to start."""
    from pipeline.executors import InlineExecutor

    monkeypatch.setattr("pipeline.executors.local.start_one", lambda *_, **environment: InlineExecutor())


@pytest.fixture(scope="module", autouse=True)
def _freeze_what_stays() -> None:
    """The collector passes over what imports and earlier modules have left: Keras runs it after each model.

    Else it takes 0.5 s each time, and over a second in a process that has run half of the tests (measured).
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A PostgreSQL server, started when the first test wants one."""
    with running_server() as server:
        yield server
