"""The credentials of convtune's own servers, which workers do without: they have no database and no MLflow client.

What else a user's environment holds stays there: a HyperModel may fetch its weights with a cloud's key.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.errors import without_password

CREDENTIALS = ("PGPASSWORD", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")
"""The variables of passwords and tokens that PostgreSQL's and MLflow's clients read."""

_ADDRESSES = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")
"""The variables of addresses, which may have a password in them."""


def forget() -> dict[str, str]:
    """Takes the credentials out of this process's environment, also those in addresses; returns what it was."""
    known = {name: os.environ[name] for name in (*CREDENTIALS, *_ADDRESSES) if name in os.environ}
    for name, value in known.items():
        if name in _ADDRESSES:
            os.environ[name] = without_password(value)
        else:
            del os.environ[name]
    return known


@contextmanager
def withheld() -> Iterator[None]:
    """Processes that start in the block are not given them. For a block in which no other thread needs them."""
    known = forget()
    try:
        yield
    finally:
        os.environ.update(known)
