"""One array of an .npz file, read in blocks and without trust: never unpickled, never larger than it says."""

import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.data.decode import shown
from pipeline.errors import DataError

BLOCK = 16 * 2**20  # bytes read at a time
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


@dataclass(frozen=True)
class Member:
    """The header of an array in an .npz file; ``where`` names file and array in messages."""

    path: Path
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    columns: bool  # stored column by column (Fortran order): cannot be read in blocks of rows

    @property
    def where(self) -> str:
        """File and array."""
        return f"{shown(self.path)}: {self.name}"

    def whole(self) -> NDArray[Any]:
        """The array."""
        with _open(self.path, self.name) as file:
            found: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
            return found

    def blocks(self) -> Iterator[tuple[int, NDArray[Any]]]:
        """The array in blocks of rows, each with the number of its first row."""
        if self.columns:
            yield 0, self.whole()
            return
        row = self.dtype.itemsize * prod(self.shape[1:])
        step = max(1, BLOCK // row)
        with _open(self.path, self.name) as file:
            _header(file)
            for start in range(0, self.shape[0], step):
                count = min(step, self.shape[0] - start)
                content = _exactly(file, count * row)
                yield start, np.frombuffer(content, self.dtype).reshape(count, *self.shape[1:])


def members(path: Path) -> dict[str, Member]:
    """The arrays of a file by name, their data unread; a DataError when it is no .npz file or holds pickled objects."""
    with _faults(path), zipfile.ZipFile(path) as archive:
        return {info.filename.removesuffix(".npy"): _member(path, archive, info) for info in archive.infolist()}


def _member(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    name = info.filename.removesuffix(".npy")
    with archive.open(info) as file:
        shape, columns, dtype = _header(file)
        begin = file.tell()
    if dtype.hasobject:
        raise DataError(
            f"{shown(path)}: {shown(name)} holds pickled Python objects, which are never loaded; "
            "save plain arrays of numbers"
        )
    if info.file_size != begin + dtype.itemsize * prod(shape):
        raise ValueError(f"{shown(name)} is not as long as its shape {shape} says")
    return Member(path, name, shape, dtype, columns)


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f"array format {version} is unknown")
    shape, columns, dtype = _HEADERS[version](file)
    return shape, columns, dtype


def _exactly(file: IO[bytes], count: int) -> bytes:
    content = file.read(count)
    if len(content) < count:
        raise EOFError("the data ends too early")
    return content


@contextmanager
def _open(path: Path, name: str) -> Iterator[IO[bytes]]:
    with _faults(path), zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as file:
        yield file


@contextmanager
def _faults(path: Path) -> Iterator[None]:
    try:
        yield
    except (
        zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError, ValueError, KeyError,
        RuntimeError, SyntaxError, TypeError, NotImplementedError,
    ) as error:  # fmt: skip
        reason = shown(error.args[0] if error.args else error)
        raise DataError(f"{shown(path)}: no readable .npz file ({reason}); save it again with numpy.savez") from None
