"""The lock of a study: one process at a time runs it."""

import errno
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from pipeline.errors import StudyError
from pipeline.study.holder import Holder, read_holder, this_process, write_holder
from pipeline.study.paths import StudyPaths

if TYPE_CHECKING:
    from filelock import BaseFileLock

_PATIENCE = 0.3
"""Seconds to wait for the lock: ``is_locked`` of another process holds it for an instant."""

_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)
"""Errors of a file system that cannot lock files, as some on a network or in a mounted drive."""


@contextmanager
def locked(paths: StudyPaths) -> Iterator[Holder | None]:
    """Holds the study for this process; the lock goes when the process ends, however it ends.

    Yields the process that held the study last, if that was cut off; None if it has let go. StudyError, which says who
    it is, if another process runs the study; and where the folder cannot be written, or its file system cannot lock.
    """
    lock = _acquire(paths)
    try:
        before = read_holder(paths)
        write_holder(paths, this_process())
        yield before
    finally:
        with suppress(OSError):
            paths.holder.unlink(missing_ok=True)
        lock.release()  # the file stays: if it were removed, two processes could each lock a file of that name


def _acquire(paths: StudyPaths) -> "BaseFileLock":
    from filelock import FileLock, Timeout

    lock = FileLock(paths.lock)
    try:
        paths.path.mkdir(parents=True, exist_ok=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # without flock, filelock says that it makes do with a file
            lock.acquire(timeout=_PATIENCE)
    except Timeout:
        raise StudyError(f"{paths.path}: {_describe_holder(paths)}") from None
    except (OSError, NotImplementedError) as error:
        raise StudyError(f"{paths.path}: {_describe_failure(error)}") from None
    return lock


def _describe_holder(paths: StudyPaths) -> str:
    holder = read_holder(paths)
    if holder is None:
        return "another process runs this study; wait for it or choose another --study"
    if holder.was_here and holder.has_ended:
        return f"still locked, though its process has ended ({holder}); end the processes that it has left behind"
    return f"another process runs this study ({holder}); wait for it, end it, or choose another --study"


def _describe_failure(error: OSError | NotImplementedError) -> str:
    reason = (error.strerror if isinstance(error, OSError) else None) or error
    if isinstance(error, NotImplementedError) or error.errno in _NO_LOCKS:
        return f"its file system cannot lock files ({reason}); choose a --study path on a disk of this machine"
    return f"cannot write there ({reason}); choose a --study path that can be written"


def is_locked(paths: StudyPaths) -> bool:
    """Whether another process runs the study. False where its folder cannot be written, so that nobody can run it."""
    from filelock import FileLock, Timeout

    if not paths.lock.is_file():
        return False
    try:
        with FileLock(paths.lock, timeout=0):
            return False
    except Timeout:
        return True
    except (OSError, NotImplementedError):
        return False
