"""The image files that the words of a command line name: files, folders and globs."""

from collections import Counter
from collections.abc import Callable, Sequence
from glob import glob, has_magic
from pathlib import Path

from pipeline.data.decode import EXTENSIONS, FORMAT_NAMES
from pipeline.data.listing_notes import count_endings
from pipeline.data.visible_files import ending, folder_identity, is_hidden, walk
from pipeline.errors import DataError, printable


def find_image_files(words: Sequence[str], note: Callable[[str], None] = lambda line: None) -> list[Path]:
    """The files that the words name, in the order of the words.

    The images below a folder and the matches of a glob are sorted by path. Hidden and system files and folders are
    passed over, as in training, and so are other files in a folder; ``note`` is called with one line for each folder
    where something was. A word that is neither a folder nor a glob stands for a file even if there is none, so that
    whoever reads the files can name it. DataError when a folder has no image or a glob no match.
    """
    return [file for word in words for file in _find_files(word, note)]


def _find_files(word: str, note: Callable[[str], None]) -> list[Path]:
    path = Path(word)
    if path.is_dir():
        files = _images_below(path, note)
        if not files:
            raise DataError(f"{word}: no image in this folder; expected {FORMAT_NAMES} files")
        return files
    if path.exists() or not has_magic(word):  # a file may be called "[x].png"
        return [path]
    matches = [Path(match) for match in sorted(glob(word, recursive=True)) if not _is_passed_over(match, word)]
    if not matches:
        raise DataError(f"{word}: no file matches; expected an image file, a folder or a glob such as 'photos/*.jpg'")
    return [file for match in matches for file in (_images_below(match, note) if match.is_dir() else [match])]


def _is_passed_over(match: str, word: str) -> bool:
    """Whether a glob has found a hidden or system file or folder that it does not name."""
    return any(is_hidden(part) and part not in Path(word).parts for part in Path(match).parts)


def _images_below(folder: Path, note: Callable[[str], None]) -> list[Path]:
    hidden: list[str] = []
    try:
        found = [entry for _, entry in walk(str(folder), "", {folder_identity(str(folder))}, hidden)]
    except OSError as error:
        raise DataError(f"{printable(error.filename)}: cannot be read ({error.strerror})") from None
    images = [entry.path for entry in found if ending(entry.name) in EXTENSIONS and entry.is_file()]
    others = Counter(ending(entry.name) for entry in found)
    others.subtract(ending(path) for path in images)
    if images:
        _note_passed_over(folder, +others, len(hidden), note)
    return sorted(map(Path, images))


def _note_passed_over(folder: Path, others: Counter[str], hidden: int, note: Callable[[str], None]) -> None:
    parts = []
    if others:
        is_none = "file that is no image" if others.total() == 1 else "files that are no images"
        parts.append(f"{others.total():,} {is_none} ({count_endings(others)})")
    if hidden:
        parts.append(f"{hidden:,} hidden or system file{'s or folders' if hidden > 1 else ' or folder'}")
    if parts:
        note(f"{printable(folder)}: passed over {' and '.join(parts)}")
