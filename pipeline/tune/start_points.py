"""The points that a study tries first: those that the user gave, then those of its space."""

from dataclasses import dataclass

from pipeline.candidate import Candidate, Judge
from pipeline.errors import JobError
from pipeline.job.request import JobRequest
from pipeline.space import Space, complete
from pipeline.tune.requested_space import flag_errors


@dataclass(frozen=True)
class StartPoints:
    """The distinct candidates to try first, and one line for each start point left out, which says why."""

    candidates: tuple[Candidate, ...]
    left_out: tuple[str, ...]


def choose_start_points(space: Space, judge: Judge, request: JobRequest, resumed: bool) -> StartPoints:
    """The points given to this command; then, unless the study is resumed, the start points of its space.

    JobError if a given point cannot be trained. A start point of the space is left out if it is over a limit or gives
    no network on these images.
    """
    with flag_errors("--try"):
        given = [complete(space, point) for point in request.job.attempts if "try" in request.given]
        feasible = [judge(params) for params in given]
    for feasibility in feasible:
        if feasibility.candidate is None:
            advice = "change the point (what it leaves out takes its default) or the images' size"
            raise JobError(f"--try: {feasibility.reason}; {advice}")
    named = {name: judge(params) for name, params in ({} if resumed else space.start_from).items()}
    candidates = (feasibility.candidate for feasibility in (*feasible, *named.values()))
    once = {candidate.key: candidate for candidate in candidates if candidate is not None}
    left_out = (
        f"start point {name} left out: {feasibility.reason}"
        for name, feasibility in named.items()
        if feasibility.reason
    )
    return StartPoints(tuple(once.values()), tuple(left_out))
