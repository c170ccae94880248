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
