"""A disk that is full or broken ends a study in one line, and the study can go on later."""

from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.errors import StudyError
from pipeline.executors.machine_fault import is_refused
from pipeline.study.paths import StudyPaths


@contextmanager
def disk_errors(paths: StudyPaths) -> Iterator[None]:
    """Turns an OSError of a disk that is full or broken into a StudyError of one line: the study can go on later."""
    try:
        yield
    except OSError as error:
        if not is_refused(error):
            raise
        where = error.filename or paths.path
        raise StudyError(f"{where}: {error.strerror}; mend that, then go on with the same --study") from None
