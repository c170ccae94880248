"""One array of an .npz file, read in blocks and without trust: never unpickled, never larger than its header says."""

import lzma
import struct
import tokenize
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

from pipeline.errors import DataError, printable

_BLOCK_BYTES = 16 * 2**20
"""Bytes that are read at a time."""

_HEADER_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
"""The functions that read the header of an array, by the version of the array format."""

_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    KeyError,
    RuntimeError,
    SyntaxError,
    TypeError,
    NotImplementedError,
    tokenize.TokenError,
)
"""The errors that zipfile and numpy raise for a damaged file."""


@dataclass(frozen=True)
class NpzArray:
    """The header of an array in an .npz file.

    ``by_columns`` says whether it is stored column by column (Fortran order), and so cannot be read in blocks of rows.
    """

    path: Path
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    by_columns: bool

    @property
    def where(self) -> str:
        """File and array, for messages."""
        return f"{printable(self.path)}: {self.name}"

    def read(self) -> NDArray[Any]:
        """The whole array."""
        with _open(self.path, self.name) as file:
            array: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
            return array

    def read_blocks(self) -> Iterator[tuple[int, NDArray[Any]]]:
        """The array in blocks of rows, each with the number of its first row."""
        if self.by_columns:
            yield 0, self.read()
            return
        row_bytes = self.dtype.itemsize * prod(self.shape[1:])
        step = max(1, _BLOCK_BYTES // row_bytes)
        with _open(self.path, self.name) as file:
            _read_header(file)
            for start in range(0, self.shape[0], step):
                count = min(step, self.shape[0] - start)
                content = _read_exactly(file, count * row_bytes)
                yield start, np.frombuffer(content, self.dtype).reshape(count, *self.shape[1:])


def read_headers(path: Path) -> dict[str, NpzArray]:
    """The arrays of an .npz file by name, their data unread.

    DataError when it is not an .npz file, holds pickled objects, or an array is not as long as its header says.
    """
    with _reading_errors(path), zipfile.ZipFile(path) as archive:
        return {info.filename.removesuffix(".npy"): _read_array(path, archive, info) for info in archive.infolist()}


def _read_array(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> NpzArray:
    name = info.filename.removesuffix(".npy")
    with archive.open(info) as file:
        shape, by_columns, dtype = _read_header(file)
        header_bytes = file.tell()
    if dtype.hasobject:
        raise DataError(
            f"{printable(path)}: {printable(name)} holds pickled Python objects, which are never loaded; "
            "save plain arrays of numbers"
        )
    if info.file_size != header_bytes + dtype.itemsize * prod(shape):
        raise ValueError(f"{printable(name)} is not as long as its shape {shape} says")
    return NpzArray(path, name, shape, dtype, by_columns)


def _read_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether it is stored by columns, and dtype."""
    version = np.lib.format.read_magic(file)
    if version not in _HEADER_READERS:
        raise ValueError(f"array format {version} is unknown")
    shape, by_columns, dtype = _HEADER_READERS[version](file)
    return shape, by_columns, dtype


def _read_exactly(file: IO[bytes], count: int) -> bytes:
    content = file.read(count)
    if len(content) < count:
        raise EOFError("the data ends too early")
    return content


@contextmanager
def _open(path: Path, name: str) -> Iterator[IO[bytes]]:
    with _reading_errors(path), zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as file:
        yield file


@contextmanager
def _reading_errors(path: Path) -> Iterator[None]:
    """Turns whatever a damaged file raises into a DataError that names it."""
    try:
        yield
    except _UNREADABLE as error:
        reason = printable(error.args[0] if error.args else error)
        raise DataError(
            f"{printable(path)}: not a readable .npz file ({reason}); save it again with numpy.savez"
        ) from None
