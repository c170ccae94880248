"""Removes a study's folder: what the study has written, and nothing beyond it."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import StudyError
from pipeline.study.paths import StudyPaths, find, locate


@dataclass(frozen=True)
class FolderContent:
    """What is in a study's folder: its trials, the bytes of all that the study wrote, and the names of other files."""

    trials: int
    bytes: int
    foreign: tuple[str, ...]


def find_removable(study: str) -> StudyPaths:
    """The folder of a study, which may be damaged, by its name or path.

    StudyError if it is unknown, if no study has begun in that folder, or if it is a link.
    """
    paths = locate(study)
    if not paths.fingerprint.is_file():
        paths = find(study)
        raise StudyError(f"{paths.path}: holds a {paths.job.name} but no {paths.fingerprint.name}, so it is no study")
    if paths.path.is_symlink():
        raise StudyError(f"{paths.path}: a link to {paths.path.resolve()}; name that folder, then remove the link")
    return paths


def look_into(paths: StudyPaths) -> FolderContent:
    """Counts what ``remove_folder`` would remove. Links are counted as such, not what they point to."""
    own = paths.own
    trials = [path for path in paths.path.glob("trials/[0-9]*") if path.is_dir() and not path.is_symlink()]
    foreign = {path.name for path in paths.path.iterdir()} - {path.name for path in own}
    return FolderContent(len(trials), sum(map(_bytes_of, own)), tuple(sorted(foreign)))


def _bytes_of(path: Path) -> int:
    if path.is_symlink() or not path.is_dir():
        return path.lstat().st_size
    files = (os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names)
    return sum(os.lstat(file).st_size for file in files)


def remove_folder(paths: StudyPaths) -> None:
    """Removes what the study has written, without following a link, then the folder unless other files are in it.

    What makes the folder a study goes last: a removal that was cut off can be repeated.
    """
    last = [paths.job, paths.fingerprint, paths.holder, paths.lock]
    for path in sorted(paths.own, key=lambda path: last.index(path) if path in last else -1):
        if path.is_symlink() or not path.is_dir():
            path.unlink(missing_ok=True)
        else:
            shutil.rmtree(path)
    if not any(paths.path.iterdir()):
        paths.path.rmdir()
