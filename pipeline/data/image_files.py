"""The image files that the words of a command line name: files, folders and globs."""

from collections.abc import Sequence
from glob import glob, has_magic
from pathlib import Path

from pipeline.data.decode import EXTENSIONS
from pipeline.errors import DataError


def find_image_files(words: Sequence[str]) -> list[Path]:
    """The files that the words name, in the order of the words.

    The images below a folder and the matches of a glob are sorted by path. A word that is neither a folder nor a glob
    stands for a file even if there is none, so that whoever reads the files can name it. DataError when a folder has
    no image or a glob no match.
    """
    return [file for word in words for file in _find_files(word)]


def _find_files(word: str) -> list[Path]:
    path = Path(word)
    if path.is_dir():
        files = _images_below(path)
        if not files:
            raise DataError(f"{word}: no image in this folder; expected JPEG, PNG, BMP, GIF or WebP files")
        return files
    if path.exists() or not has_magic(word):  # a file may be called "[x].png"
        return [path]
    matches = sorted(Path(match) for match in glob(word, recursive=True))
    if not matches:
        raise DataError(f"{word}: no file matches; expected an image file, a folder or a glob such as 'photos/*.jpg'")
    return [file for match in matches for file in (_images_below(match) if match.is_dir() else [match])]


def _images_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in EXTENSIONS and path.is_file())
