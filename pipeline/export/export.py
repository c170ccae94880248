"""Writes a model in other formats and runs what it wrote. Runs in a worker, under Keras's TensorFlow backend."""

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ModelError, first_line
from pipeline.export.formats import FORMATS, Format

TOLERANCE = 1e-4
"""Largest difference of a probability between the model and what was written of it."""


@dataclass(frozen=True)
class Exported:
    """What was written: ``difference`` is the largest between any probability and the original's."""

    format: str
    path: Path
    bytes: int
    difference: float


def noise(shape: tuple[int, int, int]) -> list[NDArray[np.uint8]]:
    """Batches to compare on: 8 images of random pixels of ``shape`` (height, width, channels), 3 of another size."""
    height, width, channels = shape
    random = np.random.default_rng(0)
    sizes = ((8, height, width, channels), (3, height + 5, 2 * width + 3, channels))
    return [random.integers(0, 256, size, np.uint8) for size in sizes]


def export(
    model_file: Path, folder: Path, formats: Sequence[str], batches: Sequence[NDArray[np.uint8]]
) -> list[Exported]:
    """Writes ``model_file`` into ``folder`` in each of the ``formats``; whole files replace what was there before.

    Every file is loaded again in its own runtime and must give the same probabilities on ``batches``, to 1e-4.
    Raises ModelError when one does not, when it cannot be read back, and when the folder cannot be written.
    """
    expected = [FORMATS["keras"].run(model_file, images) for images in batches]
    return [_export(model_file, folder, name, batches, expected) for name in formats]


def _export(
    model_file: Path,
    folder: Path,
    name: str,
    batches: Sequence[NDArray[np.uint8]],
    expected: Sequence[NDArray[np.float32]],
) -> Exported:
    form = FORMATS[name]
    target, beside = folder / form.name, folder / f"{os.getpid()}.new.{form.name}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        form.write(model_file, beside)
        difference = _difference(form, beside, batches, expected)
        if not difference <= TOLERANCE:  # NaN is no agreement
            raise ModelError(
                f"{target}: {name} differs from the model by {difference:.2g}, expected at most {TOLERANCE:g}"
            )
        _put_in_place(beside, target)
    except OSError as error:
        raise ModelError(f"{folder}: cannot write there ({error.strerror or error}); choose another --output") from None
    finally:
        _remove(beside)
    return Exported(name, target, _size(target), difference)


def _difference(
    form: Format, path: Path, batches: Sequence[NDArray[np.uint8]], expected: Sequence[NDArray[np.float32]]
) -> float:
    try:
        found = [form.run(path, images) for images in batches]
        return max(float(np.abs(one - other).max()) for one, other in zip(found, expected, strict=True))
    except Exception as error:  # whatever a runtime raises on a file that it cannot read
        raise ModelError(f"{path.parent}: the {form.name} just written cannot be run: {first_line(error)}") from None


def _put_in_place(beside: Path, target: Path) -> None:
    """Renames; an old folder has to step aside first, and comes back when that fails."""
    if not target.is_dir():
        beside.replace(target)
        return
    old = beside.with_name(f"{os.getpid()}.old.{target.name}")
    target.rename(old)
    try:
        beside.replace(target)
    except OSError:
        old.rename(target)
        raise
    shutil.rmtree(old)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    with suppress(OSError):
        path.unlink()


def _size(path: Path) -> int:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files)
