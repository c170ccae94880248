from contextlib import closing

import pytest

from pipeline.errors import WorkerError
from pipeline.executors import Local, call, check, worker


@pytest.mark.slow
def test_a_backend_that_cannot_start_is_one_clear_line(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "nonsense")
    with closing(Local([{}])) as executor, pytest.raises(WorkerError) as caught:
        check(executor)
    assert str(caught.value) == (
        "KERAS_BACKEND=nonsense: Keras cannot start with this backend (ValueError: Unable to import backend : "
        "nonsense); install it, or set tensorflow, jax or torch"
    )


@pytest.mark.slow
def test_a_backend_that_starts_is_no_error(tmp_path):
    with closing(worker(tmp_path / "worker.log", KERAS_BACKEND="tensorflow")) as executor:
        check(executor)
        assert call(executor, "os:getenv", "KERAS_BACKEND") == "tensorflow"
