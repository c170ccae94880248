"""Removes a study's folder: what the study has written, and nothing beyond it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import StudyError
from pipeline.study.paths import StudyPaths, find, locate


@dataclass(frozen=True)
class FolderContent:
    """What is in a study's folder: its trials, the bytes of all that the study wrote, and the paths of other files."""

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
    found = [*_walk(paths, paths.path)]
    trials = [path for path in paths.path.glob("trials/[0-9]*") if _is_folder(path)]
    size = sum(path.lstat().st_size for path, own in found if own and not _is_folder(path))
    foreign = (path.relative_to(paths.path).as_posix() for path, own in found if not own)
    return FolderContent(len(trials), size, tuple(sorted(foreign)))


def remove_folder(paths: StudyPaths) -> None:
    """Removes what the study has written, without following a link; folders only unless other files are in them.

    What makes the folder a study goes last: a removal that was cut off can be repeated.
    """
    for path, own in _walk(paths, paths.path):
        if own and not _is_folder(path):
            path.unlink(missing_ok=True)
        elif own:
            _remove_empty(path)
    _remove_empty(paths.path)


def _walk(paths: StudyPaths, folder: Path) -> Iterator[tuple[Path, bool]]:
    """What is in a folder of the study, folders after what is in them; whether a study gives such names.

    The folders of others come without what is in them.
    """
    last = [paths.job, paths.fingerprint, paths.holder, paths.lock]
    for path in sorted(folder.iterdir(), key=lambda path: (last.index(path) if path in last else -1, path)):
        own = paths.is_own(path)
        if own and _is_folder(path):
            yield from _walk(paths, path)
        yield path, own


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _remove_empty(folder: Path) -> None:
    if not any(folder.iterdir()):
        folder.rmdir()
