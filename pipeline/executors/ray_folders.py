"""The folders of slots on a node of a Ray cluster, and the removal of those whose slots have died.

A living slot holds a lock, which the system takes back however the slot ends. So what a killed study, a worker that was
ended, or a node that has left the cluster has left on this machine is found by the next slot here.
"""

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout


class SlotFolder:
    """A slot's ``own`` folder, within one that it has in ``common`` with the slots of its executor on its node."""

    def __init__(self, token: str, node: str) -> None:
        self.common = Path(tempfile.gettempdir()) / f"convtune-{token}-{node[:12]}"
        self.own = self.common / f"slot-{uuid4().hex[:8]}"
        self._life = FileLock(_lock(self.own))
        with _one_at_a_time():  # another executor's slot may find that all slots in ``common`` have died, and remove it
            self.common.mkdir(mode=0o700, exist_ok=True)
            self._life.acquire()
            self.own.mkdir(mode=0o700)
            _remove_deserted(self.common)

    def remove(self) -> None:
        """Removes the folder of all slots."""
        shutil.rmtree(self.common, ignore_errors=True)


def _one_at_a_time() -> FileLock:
    """Locks out this user's other slots on this machine, whatever their executor, while one makes its folder."""
    return FileLock(Path(tempfile.gettempdir()) / f"convtune-slots-{os.getuid()}.lock")


def _remove_deserted(common: Path) -> None:
    """Removes the folders of slots that have died, and of executors all of whose slots on their node have.

    An executor without any slot may be about to have its first. Folders of other users are left alone.
    """
    for folder in common.parent.glob("convtune-????????-????????????"):
        with suppress(OSError):  # an executor that ends has just removed its own
            if not folder.is_symlink() and folder.stat().st_uid == common.stat().st_uid:
                _remove_dead(folder)


def _remove_dead(folder: Path) -> None:
    slots = [slot for slot in folder.glob("slot-*") if slot.is_dir()]
    dead = [slot for slot in slots if _has_died(slot)]
    for left in [folder] if slots and slots == dead else dead:
        shutil.rmtree(left, ignore_errors=True)


def _has_died(slot: Path) -> bool:
    try:
        with FileLock(_lock(slot), timeout=0):
            return True
    except (Timeout, OSError):
        return False


def _lock(slot: Path) -> Path:
    """The file that a slot locks before it has a folder."""
    return slot.with_suffix(".lock")
