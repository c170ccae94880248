"""Chooses where a job's space comes from."""

from dataclasses import replace
from pathlib import Path

from pipeline.errors import JobError
from pipeline.hypermodel import parse_source
from pipeline.job.request import JobRequest
from pipeline.steps.family_space import FamilySpace
from pipeline.steps.hypermodel_space import HyperModelSpace
from pipeline.steps.space_source import SpaceSource
from pipeline.study.paths import StudyPaths


def choose_source(request: JobRequest, paths: StudyPaths, log: Path | None) -> SpaceSource:
    """The source of the job's space. A ConvtuneError when it is invalid; a HyperModel shows that only later."""
    job = request.job
    if (source := parse_source(job.space)) is not None:
        weighted = replace(source, pixels=job.pixels, class_weight=job.class_weight or source.class_weight)
        return HyperModelSpace(weighted, request, log)
    if job.pixels != "auto":
        raise JobError(f"--pixels: {job.space} is no HyperModel, and networks of families scale pixels; leave it out")
    return FamilySpace(request, paths)
