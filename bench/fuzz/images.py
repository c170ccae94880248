"""Image folders: pictures of every format, whole and broken, in odd trees under odd names."""

import io
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from hypothesis import strategies as st
from PIL import Image

from bench.fuzz.mutate import broken_bytes
from pipeline.data import load

_KINDS = [
    *(("png", mode) for mode in ("L", "RGB", "RGBA", "P", "1", "LA", "I;16")),
    *(("jpg", mode) for mode in ("L", "RGB", "CMYK")),
    *(("bmp", mode) for mode in ("L", "RGB", "P")),
    *(("gif", mode) for mode in ("P", "L")),
    *(("webp", mode) for mode in ("RGB", "RGBA")),
    *(("tif", mode) for mode in ("L", "RGB", "I;16", "F", "CMYK", "1")),
]
_FORMATS = {"jpg": "JPEG", "tif": "TIFF"}

_FOLDERS = st.one_of(
    st.sampled_from(["cat", "dog", "train", "val", "test", "train/cat", "train/dog", "test/cat", "val/dog", "Cat"]),
    st.sampled_from(
        ["cat/train", "cat/test", "a/b/c", ".hidden", "__MACOSX/cat", "e\u0301", "\u00e9", "a\nb", "\x1b[31m"]
    ),
    st.text(st.characters(exclude_characters="/\x00", exclude_categories=["Cs"]), min_size=1, max_size=6).filter(
        lambda name: name not in (".", "..")
    ),
)


@dataclass(frozen=True)
class File:
    """A file: its path below the root, its content, and whether it is a link to what stands in ``content`` instead."""

    path: str
    content: bytes
    is_link: bool = False


@dataclass(frozen=True)
class Tree:
    """A folder of files, and how it is read."""

    files: tuple[File, ...]
    size: tuple[int, int] | None
    channels: int | None
    for_training: bool


def _pictures() -> list[tuple[str, bytes]]:
    """A valid picture of each kind, with its ending."""
    pictures = []
    for number, (ending, mode) in enumerate(_KINDS):
        pixels = np.random.default_rng(number).integers(0, 255, (7, 9, 3), np.uint8)
        picture = Image.fromarray(pixels)
        if mode in ("I;16", "F"):
            grey = pixels[..., 0].astype(np.uint16 if mode == "I;16" else np.float32) * 200
            picture = Image.fromarray(grey)
        else:
            picture = picture.convert(mode)
        file = io.BytesIO()
        with suppress(OSError):  # Pillow without that format
            picture.save(file, _FORMATS.get(ending, ending.upper()))
            pictures.append((ending, file.getvalue()))
    return pictures


@st.composite
def _file(draw: st.DrawFn, pictures: list[tuple[str, bytes]], folders: list[str]) -> File:
    ending, content = draw(st.sampled_from(pictures))
    how = draw(st.sampled_from(("whole", "whole", "broken", "broken", "empty", "link", "other ending")))
    stem = draw(st.one_of(st.integers(0, 99).map(str), st.sampled_from(["a\nb", " ", "x" * 80, "a.png", ".a"])))
    path = f"{draw(st.sampled_from(folders))}/{stem}.{ending}"
    if how == "link":
        return File(
            path, draw(st.sampled_from([b"/etc", b"/dev/zero", b"..", b".", b"nowhere", b"../cat", b"1.png"])), True
        )
    if how == "broken":
        content = draw(broken_bytes(content))
    elif how == "empty":
        content = b""
    elif how == "other ending":
        path = f"{path}.{draw(st.sampled_from(['png', 'jpg', 'txt', 'npz', '']))}"
    return File(path, content)


def cases(folder: Path) -> st.SearchStrategy[Tree]:
    """Trees with 20 files that are mostly whole, in a few folders."""
    pictures = _pictures()

    @st.composite
    def tree(draw: st.DrawFn) -> Tree:
        folders = draw(st.lists(_FOLDERS, min_size=1, max_size=5))
        odd = draw(st.lists(_file(pictures, folders), min_size=1, max_size=8))
        plain = [File(f"{name}/plain{number}.png", pictures[1][1]) for name in folders[:2] for number in range(6)]
        files = [*(plain if draw(st.booleans()) else ()), *odd]
        size = draw(st.none() | st.tuples(st.integers(0, 40), st.integers(1, 40)))
        return Tree(tuple(files), size, draw(st.sampled_from((None, 1, 3))), draw(st.booleans()))

    return tree()


def read(case: Tree, folder: Path) -> str:
    """Writes the tree and reads it; files whose names the file system refuses are left out."""
    root = folder / "root"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    for file in case.files:
        path = root / file.path
        with suppress(OSError, ValueError):
            path.parent.mkdir(parents=True, exist_ok=True)
            if file.is_link:
                os.symlink(file.content, path)
            else:
                path.write_bytes(file.content)
    load(str(root), image_size=case.size, channels=case.channels, for_training=case.for_training, fetch=_no_fetch)
    return "read"


def _no_fetch(name: str, folder: Path) -> None:
    raise AssertionError("a named dataset was asked for")
