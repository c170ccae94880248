"""The space that a job asks for: read from its file or the study's own copy, as the job's flags adjust it."""

from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.errors import JobError, SpaceError
from pipeline.hyperparameter import Scalar
from pipeline.job.job import Job
from pipeline.job.request import JobRequest
from pipeline.search.samplers import SAMPLERS
from pipeline.space import Space, complete, fix, limit, load
from pipeline.study.paths import StudyPaths

_CLASS_WEIGHT = "class_weight"


def read_space(request: JobRequest, paths: StudyPaths) -> Space:
    """The job's space as the job adjusts it."""
    return adjust(weigh_classes(load_space(request, paths), request.job), request)


def load_space(request: JobRequest, paths: StudyPaths) -> Space:
    """The job's space as its file has it; a study that is resumed has a copy of its own."""
    has_copy = paths.exists and "space" not in request.given and paths.space.is_file()
    return load(str(paths.space) if has_copy else request.job.space)


def weigh_classes(space: Space, job: Job) -> Space:
    """The space with the job's class weight, if it has one."""
    return space if job.class_weight is None else fix(space, {_CLASS_WEIGHT: job.class_weight})


def describe_replaced(space: Space, job: Job) -> str:
    """The line that says what of the space the job's class weight replaces; "" if that is nothing."""
    searched = [entry.domain for entry in space.searched if entry.name == _CLASS_WEIGHT]
    if job.class_weight is None or not searched:
        return ""
    return f"{_CLASS_WEIGHT} is {job.class_weight} by --class-weight; space {space.name} would search {searched[0]}"


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
