"""The job that a user requests: flags win over a job file, and both win over the settings of an earlier run."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pipeline.errors import JobError, StudyError, nearest, printable
from pipeline.job.job import SETTINGS, Job
from pipeline.job.parsers import ALL, describe_received
from pipeline.study.fingerprint import check_words
from pipeline.study.job_file import read_job_file
from pipeline.study.paths import StudyPaths, find, locate, unused


@dataclass(frozen=True)
class JobRequest:
    """A job, and the keys of the settings that a flag or a job file gives now, not those kept from an earlier run.

    ``retry_failed``: what the machine has failed is to be tried again, in this run of the command only.
    ``note`` is a line for whoever starts a study with it: what of the job file may not suit the rest ("": nothing).
    """

    job: Job
    given: frozenset[str]
    note: str = ""
    retry_failed: bool = False


_PLANNED = ("image_size", "epochs", "limit")
"""The settings that are planned for a time where a job file leaves them out; `convtune init` writes them down."""


def read_job(
    file: str | None, flags: Mapping[str, Any], arguments: Mapping[str, Any] = MappingProxyType({})
) -> JobRequest:
    """The job of a job file (None: there is none), and of flags or arguments of ``tune()``, which win over it.

    ``flags`` are what argparse has parsed, by key; None and [] stand for a flag that was not given. ``arguments`` are
    as in a job file, by key, and None likewise. A study that has begun keeps the settings that are not given now,
    except ``time``, which bounds one run of the command. JobError names the file and the key, or the flag; StudyError
    for a study that is unknown or unreadable.
    """
    if file and Path(file).is_dir():
        raise JobError(f"{file}: is a folder, not a job file; to search for its images, give --data {file}")
    in_file = _read_file(Path(file)) if file else {}
    over_it = _read_flags(flags) | _read_content("tune()", arguments)
    given = in_file | over_it
    job = _job_of(_begun_with(given) | given)
    return JobRequest(job, frozenset(given), _describe_kept_plan(file, in_file, over_it))


def read_stored_job(paths: StudyPaths) -> Job:
    """The job of a study that has begun, with the time of its last run; StudyError if it cannot be read."""
    check_words(paths)
    return _job_of(_read_stored(paths))


def _job_of(settings: Mapping[str, Any]) -> Job:
    if "data" not in settings:
        raise JobError("--data is missing; give a folder of images, an .npz file or a name from `convtune datasets`")
    return Job(**{SETTINGS[key].name: value for key, value in settings.items()})


def name_study(job: Job) -> StudyPaths:
    """The paths of the study: under the given name, or under a new one made from its data and its space."""
    space = re.sub(r"\.py(?=:)|\.ya?ml$", "", Path(job.space).name)
    stem = f"{Path(os.path.abspath(job.data)).stem}-{space}"
    return locate(job.study or unused(stem))


def _describe_kept_plan(file: str | None, in_file: Mapping[str, Any], over_it: Mapping[str, Any]) -> str:
    """The line that names what the file has for its own time, where another time wins over that; "" otherwise."""
    times = [settings.get("time") for settings in (in_file, over_it)]
    kept = [key for key in _PLANNED if key in in_file and key not in over_it]
    if "limit" in kept and "macs" not in dict(in_file["limit"]):
        kept.remove("limit")
    if None in times or times[0] == times[1] or not kept:
        return ""
    own, other = map(SETTINGS["time"].dump, times)
    advice = f"put # before {'them' if len(kept) > 1 else 'it'} to have tune plan anew for {other}"
    return f"note: {printable(str(file))}: {', '.join(kept)} as written beside its time of {own}; {advice}"


def _read_flags(flags: Mapping[str, Any]) -> dict[str, Any]:
    values = {key: SETTINGS[key].combine(parsed) for key, parsed in flags.items()}
    return {key: value for key, value in values.items() if value is not None}


def _read_file(path: Path) -> dict[str, Any]:
    """The settings of a job file. That of a study means the one in its folder, even if that was moved or copied."""
    from pipeline.yaml_file import read_mapping  # imported late: yaml would slow down --help

    settings, paths = _read_content(path, read_mapping(path, JobError)), StudyPaths(path.parent)
    is_of_study = path == paths.job and paths.fingerprint.is_file()
    return settings | ({"study": paths.argument} if is_of_study else {})


def _read_content(where: object, content: Mapping[str, Any]) -> dict[str, Any]:
    """The settings in ``content`` by key, without those that are None; JobError begins with ``where``."""
    return {key: _read_key(where, key, value) for key, value in content.items() if value is not None}


def _read_key(where: object, key: str, content: Any) -> Any:
    if key not in SETTINGS:
        raise JobError(f"{where}: unknown key {key!r}{nearest(key, SETTINGS)}; keys are {', '.join(SETTINGS)}")
    try:
        return SETTINGS[key].read(content)
    except ValueError as error:
        raise JobError(f"{where}: {key}: {error}{describe_received(content)}") from None


def _begun_with(given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that the study was started with; empty if it starts now."""
    study = given.get("study")
    if study is None or ("data" in given and not locate(study).exists):
        return {}
    try:
        paths = find(study)
    except StudyError as error:
        raise StudyError(f"{error}; to start one, add --data") from None
    check_words(paths)
    settings = _read_stored(paths)
    settings.pop("time", None)
    if given.get("executor", settings.get("executor")) != settings.get("executor"):
        settings.pop("ray_address", None)  # it names a place of the executor that was given with it
    return settings


def _read_stored(paths: StudyPaths) -> dict[str, Any]:
    """The settings of a study that has begun; one that was begun when all models stayed keeps them all."""
    kept = {"keep_models": ALL} if paths.fingerprint.is_file() else {}
    return kept | _read_content(paths.job, read_job_file(paths))
