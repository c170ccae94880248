from contextlib import closing

import pytest

from pipeline.errors import WorkerError
from pipeline.executors import LocalExecutor, call
from pipeline.training.worker import check_backend, start_worker
from tests.fakes import ReadEnvironment

pytestmark = pytest.mark.slow


def test_a_backend_that_cannot_start_is_one_clear_line(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "nonsense")
    with closing(LocalExecutor([{}])) as executor, pytest.raises(WorkerError) as caught:
        check_backend(executor)
    assert str(caught.value) == (
        "KERAS_BACKEND=nonsense: Keras cannot start with this backend (ValueError: Unable to import backend : "
        "nonsense); install it, or set tensorflow, jax or torch"
    )


def test_a_backend_that_starts_is_no_error(tmp_path):
    """JAX starts sooner than TensorFlow, and is not what this process has."""
    with closing(start_worker(tmp_path / "worker.log", KERAS_BACKEND="jax")) as executor:
        assert check_backend(executor) in ("cpu", "gpu")
        assert call(executor, ReadEnvironment("KERAS_BACKEND")) == "jax"
