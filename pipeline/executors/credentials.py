"""The credentials of convtune's own servers, which workers do without: they have no database and no MLflow client.

What else a user's environment holds stays there: a HyperModel may fetch its weights with a cloud's key.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

CREDENTIALS = ("PGPASSWORD", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")
"""The variables of passwords and tokens that PostgreSQL's and MLflow's clients read."""


def forget() -> dict[str, str]:
    """Takes the credentials out of this process's environment; returns them."""
    return {name: os.environ.pop(name) for name in CREDENTIALS if name in os.environ}


@contextmanager
def withheld() -> Iterator[None]:
    """Processes that start in the block are not given them. For a block in which no other thread needs them."""
    known = forget()
    try:
        yield
    finally:
        os.environ.update(known)
