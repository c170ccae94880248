"""What tests need of a machine beside Python: tests without it are skipped, but where all of it has to be there.

That is a server of PostgreSQL, a reader of compose files, and the right to mount disks, to hide folders and processes
from some others, and to limit the memory of a group of processes, which not every container has.
"""

import os

import pytest

SERVICES_REQUIRED = os.environ.get("CONVTUNE_REQUIRE_SERVICES") == "1"
"""Whether a missing service is a failure."""

RIGHTS_REQUIRED = os.environ.get("CONVTUNE_REQUIRE_RIGHTS") == "1"
"""Whether a missing right is one."""


def lacking_service(what: str) -> None:
    """Ends a test that needs a service: it is skipped, or fails where all has to be there."""
    (pytest.fail if SERVICES_REQUIRED else pytest.skip)(what)


def lacking_right(what: str) -> None:
    """Ends a test that needs a right: it is skipped, or fails where all has to be there."""
    (pytest.fail if RIGHTS_REQUIRED else pytest.skip)(what)
