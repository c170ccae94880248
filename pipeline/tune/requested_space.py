"""The space that a job asks for: read from its file or the study's own copy, with the job's --set and --limit."""

from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.errors import JobError, SpaceError
from pipeline.hyperparameter import Scalar
from pipeline.job.request import JobRequest
from pipeline.search.samplers import SAMPLERS
from pipeline.space import Space, complete, fix, limit, load
from pipeline.study.paths import StudyPaths


def read_space(request: JobRequest, paths: StudyPaths) -> Space:
    """The job's space as the job adjusts it; a study that is resumed has a copy of its own."""
    has_copy = paths.exists and "space" not in request.given and paths.space.is_file()
    return adjust(load(str(paths.space) if has_copy else request.job.space), request)


def adjust(space: Space, request: JobRequest) -> Space:
    """The space with the job's constants and limits; JobError for what it does not have, or cannot search as asked."""
    job = request.job
    with flag_errors("--set"):
        space = fix(space, dict(job.fixed)) if job.fixed else space
    with flag_errors("--limit"):
        space = limit(space, dict(job.limits))
    SAMPLERS[job.search].plan(space, job.seed)  # refuses what it cannot search
    return space


def attempted_points(space: Space, request: JobRequest) -> list[dict[str, Scalar]]:
    """The points that this command asks to try first, complete; JobError for one that is not in the space."""
    with flag_errors("--try"):
        return [complete(space, point) for point in request.job.attempts if "try" in request.given]


@contextmanager
def flag_errors(flag: str) -> Iterator[None]:
    """Turns a SpaceError into a JobError that begins with the flag at fault."""
    try:
        yield
    except SpaceError as error:
        raise JobError(f"{flag}: {error}") from None
