"""Copies of a study's folder: which of them owns what the study has elsewhere, its runs in MLflow, trials on a server.

Whatever is elsewhere notes the folder that it belongs to. A study that goes on writes its own folder there, unless the
noted one is there with the same study in it: then it is a copy. A study whose folder was moved is none.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from pipeline.errors import StudyError
from pipeline.study.fingerprint import read_fingerprint
from pipeline.study.paths import StudyPaths


def other_owner(noted: Path | None, paths: StudyPaths) -> Path | None:
    """The noted folder if it holds the study of ``paths`` and is another; None if it is this one, gone or unknown."""
    if noted is None or _is_same(noted, paths.path) or not _marks(noted)[0]:
        return None
    return noted if _marks(noted)[0] == _marks(paths.path)[0] else None


def possible_owner(noted: Path | None, paths: StudyPaths) -> Path | None:
    """The same for who would delete: where the noted folder is gone, a copy beside this one may own it as well."""
    if noted is not None and _is_same(noted, paths.path):
        return None
    return other_owner(noted, paths) or next(_copies_beside(paths), None)


def _copies_beside(paths: StudyPaths) -> Iterator[Path]:
    """The folders beside this one that hold the same study with the same run in MLflow."""
    own = _marks(paths.path)
    for folder in sorted(paths.path.resolve().parent.iterdir()):
        if own[0] and _marks(folder) == own and not _is_same(folder, paths.path):
            yield folder


def _marks(folder: Path) -> tuple[str, str]:
    """What tells the study in a folder from others, and its run in MLflow; "" where there is none."""
    with suppress(StudyError):
        fingerprint = read_fingerprint(StudyPaths(folder))
        return fingerprint.id or fingerprint.run, fingerprint.run
    return "", ""


def _is_same(one: Path, other: Path) -> bool:
    with suppress(OSError, ValueError):
        return one.samefile(other)
    return False
