"""The lock of a study: one process at a time runs it."""

from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.errors import StudyError
from pipeline.study.paths import StudyPaths


@contextmanager
def locked(paths: StudyPaths) -> Iterator[None]:
    """Holds the study for this process; the lock goes when the process ends, however it ends.

    StudyError if another process runs the study, or if its folder cannot be written.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(paths.lock)
    try:
        paths.path.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        message = f"{paths.path}: another process runs this study; wait for it or choose another --study"
        raise StudyError(message) from None
    except OSError as error:
        reason = error.strerror or error
        raise StudyError(
            f"{paths.path}: cannot write there ({reason}); choose a --study path that can be written"
        ) from None
    try:
        yield
    finally:
        lock.release()  # the file stays: if it were removed, two processes could each lock a file of that name


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
    except OSError:
        return False
