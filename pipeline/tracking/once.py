"""Creates in MLflow what must not be there twice, although the server's answer may be lost."""

import time
from collections.abc import Callable
from typing import TypeVar

from mlflow.exceptions import MlflowException

from pipeline.tracking.client import patience
from pipeline.tracking.faults import is_unknown_request, may_pass

T = TypeVar("T")

_PAUSE = 2.0
"""Seconds before the last attempt, as MLflow's client waits."""


def create_once(create: Callable[[], T], find: Callable[[], T | None]) -> T:
    """Returns what ``create`` returns, or what ``find`` finds of an earlier attempt whose answer was lost.

    Each repetition calls ``find`` first. Three attempts in all, as many as MLflow's client makes without looking.
    """

    def look_first() -> T:
        found = find()
        return create() if found is None else found

    with patience(retries=0):
        for attempt, pause in ((create, 0.0), (look_first, _PAUSE)):
            try:
                return attempt()
            except Exception as error:
                if not may_pass(error) or (isinstance(error, MlflowException) and is_unknown_request(error)):
                    raise
            time.sleep(pause)
        return look_first()
