"""Files that are written whole or not at all: written under another name first, then renamed. And their SQLite URL."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote, unquote


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path next to ``path``. The block writes a file or a folder there, which then replaces ``path``.

    If the block raises, ``path`` stays as it was and nothing else is left. The temporary path keeps the suffix, by
    which libraries choose the format, and is hidden. Folders above ``path`` are made. Raises OSError where the file
    system refuses, also where a file would replace a folder or a folder a file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = unused_sibling(path)
    try:
        yield temporary
        _put_in_place(temporary, path)
    finally:
        _remove(temporary)


def write_text(path: Path, text: str) -> None:
    """Writes ``text`` to ``path`` as UTF-8, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def copy_file(source: Path, path: Path) -> None:
    """Copies the content of the file ``source`` to ``path``, whole or not at all."""
    with replacing(path) as temporary:
        shutil.copyfile(source, temporary)


def size_of(path: Path) -> int:
    """The bytes of a file, or of all files below a folder."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files)


def sqlite_url(file: Path) -> str:
    """The URL of an SQLite file for SQLAlchemy, which decodes ``%20`` in it: a path with such in its names is quoted.

    A quoted path names its driver, since MLflow makes the folders of a ``sqlite:///`` URL without decoding it.

    >>> sqlite_url(Path("/data/my runs.db")), sqlite_url(Path("/a%20b/runs.db"))
    ('sqlite:////data/my runs.db', 'sqlite+pysqlite:////a%2520b/runs.db')
    """
    path = str(file)
    return f"sqlite:///{path}" if unquote(path) == path and "?" not in path else f"sqlite+pysqlite:///{quote(path)}"


def unused_sibling(path: Path) -> Path:
    """An unused hidden name in the same folder: a rename must not cross file systems."""
    return path.with_name(f".{path.stem}-{os.urandom(4).hex()}{path.suffix}")


def _put_in_place(new: Path, path: Path) -> None:
    """Renames ``new`` to ``path``. No rename replaces a folder with files: the old one steps aside first."""
    if path.is_dir() and not (new.is_dir() or path.is_symlink()):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))  # a rename would name ``new``
    if not (new.is_dir() and path.is_dir()):
        new.replace(path)
        return
    old = unused_sibling(path)
    path.rename(old)
    try:
        new.rename(path)
    except BaseException:
        old.rename(path)
        raise
    _remove(old)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    with suppress(OSError):
        path.unlink()
