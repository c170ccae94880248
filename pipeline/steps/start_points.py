"""The points that a study tries first: those that the user gave, then those of its space."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pipeline.candidate import Candidate, Feasibility, Judge
from pipeline.errors import JobError
from pipeline.job.request import JobRequest
from pipeline.space import Space
from pipeline.steps.requested_space import attempted_points, flag_errors


@dataclass(frozen=True)
class StartPoints:
    """The distinct candidates to try first, and lines that say which start points are left out, and why.

    ``sources`` has one text for each candidate: where it comes from, as in ``Trial.source``.
    """

    candidates: tuple[Candidate, ...]
    left_out: tuple[str, ...]
    sources: tuple[str, ...]


def choose_start_points(space: Space, judge: Judge, request: JobRequest, resumed: bool, image_side: int) -> StartPoints:
    """The points given to this command; then, unless the study is resumed, the start points of its space.

    JobError if a given point cannot be trained. A start point of the space is left out if it is over a limit or gives
    no network on these images. ``image_side`` is their shorter side in pixels: the lines say if the space is designed
    for larger ones.
    """
    given = attempted_points(space, request)
    with flag_errors("--try"):
        feasible = [judge(params) for params in given]
    for feasibility in feasible:
        if feasibility.candidate is None:
            advice = "change the point (what it leaves out takes its default) or the images' size"
            raise JobError(f"--try: {feasibility.reason}; {advice}")
    named = {name: judge(params) for name, params in ({} if resumed else space.start_from).items()}
    sources = [*("hand" for _ in feasible), *(f"start point {name}" for name in named)]
    once: dict[str, tuple[Candidate, str]] = {}
    for feasibility, source in zip((*feasible, *named.values()), sources, strict=True):
        if (candidate := feasibility.candidate) is not None:
            once.setdefault(candidate.key, (candidate, source))
    return StartPoints(
        candidates=tuple(candidate for candidate, _ in once.values()),
        left_out=tuple(_describe_left_out(space, named, image_side)),
        sources=tuple(source for _, source in once.values()),
    )


def _describe_left_out(space: Space, named: Mapping[str, Feasibility], image_side: int) -> Iterator[str]:
    """One line for the start points over a limit, with the flag that trains them; one for each without a network."""
    over = {name: exceeded for name, feasibility in named.items() if (exceeded := _exceeded(feasibility))}
    if over:
        lifted = ",".join(f"{limit}=none" for limit in space.limits if limit in set().union(*over.values()))
        designed_for = int(space.constants.get("designed_for", 0))
        far = designed_for > 2 * image_side
        size = f", at the size that they are designed for with --image-size {designed_for}" if far else ""
        yield f"start points over a limit are left out: {', '.join(over)}; train them with --limit {lifted}{size}"
    for name, feasibility in named.items():
        if feasibility.candidate is None and name not in over:
            yield f"start point {name} left out: {feasibility.reason}"


def _exceeded(feasibility: Feasibility) -> set[str]:
    """The limits that a network exceeds; none if there is no network."""
    violated = {name for name, violation in feasibility.violations.items() if violation > 0}
    return set() if "possible" in violated else violated
