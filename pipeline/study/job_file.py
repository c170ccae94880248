"""The job file of a study that has begun."""

from typing import Any

from pipeline.errors import StudyError
from pipeline.study.paths import StudyPaths

LAST = "study"
"""The key of its last line: where that is missing, the file was cut off."""


def read_job_file(paths: StudyPaths) -> dict[str, Any]:
    """The settings of a study as its ``job.yaml`` has them; StudyError if that cannot be read, or was cut off."""
    from pipeline.yaml_file import read_mapping  # imported late: yaml would slow down --help

    content = read_mapping(paths.job, StudyError)
    if LAST not in content and paths.fingerprint.is_file():
        raise StudyError(
            f"{paths.job}: cut off (its last line, '{LAST}: ...', is missing); put a copy of it back, or choose "
            "another --study"
        )
    return content
