"""A cache entry in use: whoever empties the cache does not take its images from the process that holds it."""

import os
import shutil
import weakref
from contextlib import ExitStack
from pathlib import Path

from pipeline.console import warn
from pipeline.data.cache import write_entry
from pipeline.errors import DataError

_COPIED = 1 << 20
"""Bytes that are copied at a time."""


class HeldEntry:
    """Holds the files of an entry open, whose content stays while they are, and writes those that are removed again.

    They are copied and not built anew from their source, which may have changed: a study's trials must all see the
    same images.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with ExitStack() as stack:
            try:
                names = sorted(os.listdir(folder))
                self._files = {name: stack.enter_context(open(folder / name, "rb")) for name in names}
            except OSError as error:
                raise DataError(f"{folder}: not a readable cache entry ({error.strerror}); run this again") from None
            weakref.finalize(self, stack.pop_all().close)

    def restore(self) -> None:
        """Writes the entry again where files of it have been removed; one line says so, or why it cannot."""
        if all(os.path.exists(self._folder / name) for name in self._files):
            return
        try:
            write_entry(self._folder, self._copy)
        except DataError as error:
            warn(f"{self._folder}: removed while it is in use, and {error}")
        else:
            warn(f"{self._folder}: removed while it is in use; written again, with the same images")

    def _copy(self, folder: Path) -> None:
        for name, file in self._files.items():
            file.seek(0)
            with open(folder / name, "wb") as copy:
                shutil.copyfileobj(file, copy, _COPIED)
