"""What a study stands on, checked before anything is written: job, space, hand-picked points, dataset."""

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from pipeline import space as spaces
from pipeline.data import Dataset
from pipeline.data.decode import shown
from pipeline.errors import JobError, SpaceError, StudyError
from pipeline.folder import StudyFolder, check_job, find, locate, locked, unused, write
from pipeline.job import Job, job
from pipeline.objective import ACCURACY
from pipeline.search.candidate import Candidate, Judge
from pipeline.space import Space
from pipeline.yaml_file import read_mapping


@dataclass(frozen=True)
class Asked:
    """A job, and which of its keys were given now: by flags or by a job file, not by an earlier run of its study."""

    job: Job
    given: frozenset[str]


def read_job(file: str | None, flags: Mapping[str, Any]) -> Asked:
    """The job of a file and flags; a study that has begun brings what it was begun with, and both win over it."""
    given = read_mapping(Path(file), JobError) if file else {}
    name = flags.get("study") or given.get("study")
    begun: dict[str, Any] = {}
    if isinstance(name, str) and (locate(name).exists or not (flags.get("data") or given.get("data"))):
        begun = read_mapping(_begun(name).job, StudyError)
        begun.pop("time", None)  # it bounded that run of the command
    asked = job(begun | given, flags, where=file or (str(locate(str(name)).job) if begun else ""))
    now = [key for source in (given, flags) for key, value in source.items() if value not in (None, "", [])]
    return Asked(asked, frozenset(now))


def _begun(study: str) -> StudyFolder:
    try:
        return find(study)
    except StudyError as error:
        raise StudyError(f"{error}; to begin one, add --data") from None


def name_study(asked: Job) -> StudyFolder:
    """Where the study lives: its own name, or a new one after its data and its space."""
    space = re.sub(r"\.py(?=:)|\.ya?ml$", "", Path(asked.space).name)
    stem = f"{Path(os.path.abspath(asked.data)).stem}-{space}"
    return locate(asked.study or unused(shown(stem)))


def read_space(asked: Asked, folder: StudyFolder) -> Space:
    """The job's space as the job adjusts it; a study that goes on has a copy of its own."""
    own = folder.exists and "space" not in asked.given and folder.space.is_file()
    return adjusted(spaces.load(str(folder.space) if own else asked.job.space), asked)


def adjusted(space: Space, asked: Asked) -> Space:
    """The space with the job's fixed parameters and limits; JobError for what it does not have."""
    with _flag("--set"):
        space = space.fixed(dict(asked.job.fixed)) if asked.job.fixed else space
    with _flag("--limit"):
        return space.limited(dict(asked.job.limits))


@dataclass(frozen=True)
class Picked:
    """Hand-picked points, each once; and why start points of the space were left out, one line each."""

    candidates: tuple[Candidate, ...]
    left_out: tuple[str, ...]


def hand_picked(space: Space, judge: Judge, asked: Asked, begun: bool) -> Picked:
    """The points given now, then, if the study has not begun, the space's; JobError for one that cannot be trained.

    A point of the space file that is over a limit or no network on these images is left out.
    """
    points = asked.job.attempts if "try" in asked.given else ()
    with _flag("--try"):
        verdicts = [judge(space.complete(point)) for point in points]
    for verdict in verdicts:
        if verdict.candidate is None:
            advice = "change the point (what it leaves out takes its default) or the images' size"
            raise JobError(f"--try: {verdict.reason}; {advice}")
    start = {} if begun else space.start_from
    named = {name: judge(point) for name, point in start.items()}
    found = (verdict.candidate for verdict in (*verdicts, *named.values()))
    once = {candidate.key: candidate for candidate in found if candidate is not None}
    left_out = (f"start point {name} left out: {one.reason}" for name, one in named.items() if one.reason)
    return Picked(tuple(once.values()), tuple(left_out))


@contextmanager
def _flag(name: str) -> Iterator[None]:
    """Puts the flag that was at fault in front of a SpaceError."""
    try:
        yield
    except SpaceError as error:
        raise JobError(f"{name}: {error}") from None


@dataclass(frozen=True)
class Identity:
    """What must stay the same as long as a study goes on; ``run`` is its MLflow run."""

    space: str
    dataset: str
    epochs: int
    seed: int
    run: str = ""
    objective: str = ACCURACY
    code: str = ""

    @classmethod
    def of(cls, asked: Job, space: Space, data: Dataset, code: str) -> "Identity":
        """The identity of a study that begins now; ``code`` stands for the user's code that builds its models."""
        objective = ",".join(asked.objective)
        return cls(space.fingerprint, data.digest, asked.epochs, asked.seed, objective=objective, code=code)


_CHANGED = {
    "code": "another HyperModel, or another version of its file",
    "space": "a different space (or --set, --limit)",
    "dataset": "different data (or --image-size)",
    "epochs": "--epochs {}",
    "seed": "--seed {}",
    "objective": "--objective {}",
}


def check_same(folder: StudyFolder, now: Identity) -> str:
    """StudyError unless a study that has begun here began with the same identity; its MLflow run."""
    if not folder.exists:
        return ""
    try:
        before = Identity(**json.loads(folder.identity.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        raise StudyError(f"{folder.identity}: unreadable, so this study cannot go on; choose another --study") from None
    for name, change in _CHANGED.items():
        if getattr(before, name) != getattr(now, name):
            change = change.format(getattr(before, name))
            raise StudyError(f"study {folder.name} was begun with {change}; choose another --study to begin a new one")
    return before.run


def write_identity(folder: StudyFolder, identity: Identity) -> None:
    """Writes ``study.json``, which makes the folder ours."""
    write(folder.identity, json.dumps(identity.__dict__, indent=1))


def write_job(folder: StudyFolder, asked: Job, space_text: Callable[[], str]) -> None:
    """Writes ``space.yaml`` once, and ``job.yaml``, which makes the folder a study that can go on."""
    if not folder.space.exists():
        write(folder.space, space_text())
    schema = files("search_spaces") / "job.schema.json"
    text = yaml.safe_dump({**asked.as_file(), "study": folder.argument}, sort_keys=False)
    write(folder.job, f"# yaml-language-server: $schema={schema}\n{text}")


@contextmanager
def opened(folder: StudyFolder) -> Iterator[None]:
    """Holds the study's folder; when setting up fails, the folders that it was the first to need are removed again.

    StudyError for a folder that holds something else, or trials without their job.
    """
    check_job(folder)
    if foreign := folder.foreign:
        raise StudyError(f"{folder.path}: holds no study but {foreign[0]!r}; choose another --study")
    made = [path for path in (folder.path, *folder.path.parents) if not os.path.exists(path)]
    try:
        with locked(folder):
            if not folder.exists:  # left by a process that was killed before its study had begun
                folder.storage.unlink(missing_ok=True)
            try:
                yield
            finally:
                if not folder.exists:
                    _clear(folder)
    finally:
        for path in made:
            with suppress(OSError):  # not empty: a study is in it
                path.rmdir()


def _clear(folder: StudyFolder) -> None:
    """Removes what a study that did not begin has left: all that lies there, since nothing else did before."""
    for path in folder.path.iterdir():
        path.unlink() if path.is_file() else shutil.rmtree(path)
