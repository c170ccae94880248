"""Files of arrays, broken: archives, headers of arrays, pickles, odd types and shapes."""

import io
import warnings
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from bench.fuzz.mutate import broken_bytes
from pipeline.data import load

_TYPES = ["u1", "i1", "i8", "u8", "f2", "f4", "f8", "?", "O", "U3", "S2", "c8", "M8[s]", ">u2", "V4"]


def cases(folder: Path) -> st.SearchStrategy[bytes]:
    """Contents of a file."""
    valid = [_archive(_arrays(compressed), compressed) for compressed in (False, True)]
    whole = st.sampled_from(valid).flatmap(broken_bytes)
    return whole | _broken_members() | _odd_arrays()


def _arrays(seed: int) -> dict[str, Any]:
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 255, (40, 6, 5, 3), np.uint8)
    return {"x_train": images, "y_train": np.arange(40) % 3, "x_test": images[:9], "y_test": np.arange(9) % 3}


def _archive(arrays: dict[str, Any], compressed: bool) -> bytes:
    file = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(file, allow_pickle=True, **arrays)
    return file.getvalue()


@st.composite
def _broken_members(draw: st.DrawFn) -> bytes:
    """An archive whose checksums are right and one of whose members is broken."""
    archive = io.BytesIO()
    arrays = _arrays(2)
    which = draw(st.sampled_from(list(arrays)))
    with zipfile.ZipFile(archive, "w") as members, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # two members of one name are what is wanted
        for name, array in arrays.items():
            file = io.BytesIO()
            np.save(file, array)
            content = file.getvalue()
            if name == which:  # the header is what a reader trusts, so most changes are there
                content = draw(broken_bytes(content[:128])) + content[128:]
            members.writestr(f"{draw(st.sampled_from((name, name, name, '../x', 'classes')))}.npy", content)
    return archive.getvalue()


@st.composite
def _odd_arrays(draw: st.DrawFn) -> bytes:
    arrays = _arrays(3)
    for name in draw(st.lists(st.sampled_from([*arrays, "classes", "x_val", "y_val"]), min_size=1, max_size=3)):
        shape = draw(st.lists(st.sampled_from((0, 1, 2, 3, 5, 40)), max_size=4))
        array = np.arange(int(np.prod(shape))).reshape(shape).astype(draw(st.sampled_from(_TYPES[:6])))
        with suppress(TypeError, ValueError):  # not every type becomes every other
            arrays[name] = array.astype(draw(st.sampled_from(_TYPES)))
    return _archive(arrays, compressed=False)


def read(case: bytes, folder: Path) -> str:
    """Reads a file with the content."""
    file = folder / "data.npz"
    file.write_bytes(case)
    load(str(file), fetch=_no_fetch)
    return "read"


def _no_fetch(name: str, folder: Path) -> None:
    raise AssertionError("a named dataset was asked for")
