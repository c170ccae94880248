"""What tests need of a machine beside Python: tests without it are skipped, but where all of it has to be there.

That is a server of PostgreSQL, and the right to mount disks, to hide folders and processes from some others, and to
limit the memory of a group of processes.
"""

import os

import pytest

REQUIRED = os.environ.get("CONVTUNE_REQUIRE_SERVICES") == "1"
"""Whether what is missing is a failure."""


def lacking(what: str) -> None:
    """Ends the test: it is skipped, or fails where all has to be there."""
    (pytest.fail if REQUIRED else pytest.skip)(what)
