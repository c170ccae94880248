"""The space that a job asks for: read from its file or the study's own copy, with the job's --set and --limit."""

from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.errors import JobError, SpaceError
from pipeline.job.request import JobRequest
from pipeline.space import Space, fix, limit, load
from pipeline.study.paths import StudyPaths


def read_space(request: JobRequest, paths: StudyPaths) -> Space:
    """The job's space as the job adjusts it; a study that is resumed has a copy of its own."""
    has_copy = paths.exists and "space" not in request.given and paths.space.is_file()
    return adjust(load(str(paths.space) if has_copy else request.job.space), request)


def adjust(space: Space, request: JobRequest) -> Space:
    """The space with the job's constants and limits; JobError for what it does not have."""
    with flag_errors("--set"):
        space = fix(space, dict(request.job.fixed)) if request.job.fixed else space
    with flag_errors("--limit"):
        return limit(space, dict(request.job.limits))


@contextmanager
def flag_errors(flag: str) -> Iterator[None]:
    """Turns a SpaceError into a JobError that begins with the flag at fault."""
    try:
        yield
    except SpaceError as error:
        raise JobError(f"{flag}: {error}") from None
