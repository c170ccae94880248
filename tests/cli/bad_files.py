"""Files that convtune must refuse, each made in the current folder."""

import json
import os
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.study.model_metadata import MEMBER, ModelMetadata, write_metadata
from tests.export.tiny_model import write_tiny_model
from tests.report.made_up import record, study

Make = Callable[[], object]
PROOF = "executed"
"""The folder that appears when code in a bad file is run."""


def nothing() -> None:
    """Needs no file."""


def text(path: str, words: str) -> Make:
    """A file of text."""
    return content(path, words.encode())


def content(path: str, data: bytes) -> Make:
    """A file of bytes."""

    def make() -> None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(data)

    return make


def folder(path: str) -> Make:
    """An empty folder."""
    return Path(path).mkdir


def link(path: str, target: str) -> Make:
    """A link whose target may be missing."""
    return lambda: Path(path).symlink_to(target)


def both(*makes: Make) -> Make:
    """Makes one file after the other."""

    def make() -> None:
        for make_one in makes:
            make_one()

    return make


# --- folders of images


def photo(path: str, size: int = 8, quality: int = 95) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(len(path)).integers(0, 255, (size, size, 3), np.uint8)
    Image.fromarray(pixels).save(path, quality=quality)


def photos(classes: int = 2) -> None:
    """``photos``, a folder with four images per class."""
    for label in range(classes):
        for number in range(4):
            photo(f"photos/class{label}/{number}.png")


def one_class() -> None:
    photos(1)


def no_class_folder() -> None:
    photo("photos/1.png")


def class_without_images() -> None:
    photos()
    Path("photos/class2").mkdir()


def one_image_in_a_class() -> None:
    photos()
    photo("photos/rare/1.png")


def class_only_in_test() -> None:
    for part, label in (("train", "cat"), ("train", "dog"), ("test", "cat"), ("test", "dog"), ("test", "fox")):
        for number in range(3):
            photo(f"photos/{part}/{label}/{number}.png")


def truncated_jpeg() -> None:
    """One of nine images is cut off, which is more than a tenth."""
    photos()
    photo("photos/class0/cut.jpg", size=64)
    whole = Path("photos/class0/cut.jpg").read_bytes()
    Path("photos/class0/cut.jpg").write_bytes(whole[: len(whole) // 2])


def text_as_png() -> None:
    """One of nine images is none, which is more than a tenth."""
    photos()
    Path("photos/class1/notes.png").write_text("milk, eggs, bread\n")


def bomb() -> None:
    """One of nine images has 60,000 x 60,000 pixels in a file of a few hundred bytes."""
    photos()

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    png = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )
    Path("photos/class0/bomb.png").write_bytes(png)


# --- arrays


def npz(**changes: object) -> Make:
    """``data.npz`` of 20 images in 2 classes, with some arrays changed or (None) left out."""

    def make() -> None:
        arrays = {"x_train": np.zeros((20, 8, 8), np.uint8), "y_train": np.arange(20) % 2, **changes}
        np.savez("data.npz", **{name: array for name, array in arrays.items() if array is not None})

    return make


class _Payload:
    """Creates a file when it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (PROOF,)


def pickled() -> None:
    """Labels that run code when they are unpickled."""
    labels = np.array([_Payload()] * 20, dtype=object)
    np.savez("data.npz", x_train=np.zeros((20, 8, 8), np.uint8), y_train=labels)
    assert b"mkdir" in zipfile.ZipFile("data.npz").read("y_train.npy")


def pickle_file() -> None:
    Path("data.npz").write_bytes(pickle.dumps(_Payload()))


def nan_pixel() -> None:
    images = np.zeros((20, 8, 8), np.float32)
    images[3, 1, 2] = np.nan
    npz(x_train=images)()


# --- models and studies


def model(path: str = "m.keras") -> Make:
    """A model with no fault."""
    return lambda: write_tiny_model(Path(path))


def metadata_only(path: str = "m.keras", **changes: object) -> Make:
    """An archive with the metadata of a model and no model."""
    metadata = {
        "classes": ["0", "1"],
        "shape": [8, 8, 1],
        "dataset": "d",
        "digest": "d",
        "seed": 0,
        "study": "s",
        "trial": 0,
    }

    def make() -> None:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(MEMBER, json.dumps(metadata | changes))

    return make


def plain_zip() -> None:
    with zipfile.ZipFile("m.keras", "w") as archive:
        archive.writestr("hello.txt", "no model")


def lambda_model(path: str = "m.keras") -> Make:
    """A model with a layer of Python bytecode, which makes a folder each time the model is built."""

    def make() -> None:
        import keras

        Path(path).parent.mkdir(parents=True, exist_ok=True)
        images = keras.Input((8, 8, 1))
        layer = keras.layers.Lambda(lambda x: (__import__("os").makedirs("executed", exist_ok=True), x)[1])
        output = keras.layers.Dense(10, "softmax")(keras.layers.Flatten()(layer(images)))
        Path(PROOF).rmdir()
        keras.Model(images, output).save(path)
        digits = tuple("0123456789")  # as the data of the study ``s`` has them
        write_metadata(ModelMetadata(digits, (8, 8, 1), "d", "d", 0, "s", 0), Path(path))

    return make


def dense_model() -> None:
    """A model without convolutions."""
    import keras

    images = keras.Input((8, 8, 1))
    keras.Model(images, keras.layers.Dense(2)(keras.layers.Flatten()(images))).save("m.keras")


def two_inputs() -> None:
    """A model of an image and two numbers."""
    import keras

    images, numbers = keras.Input((8, 8, 1), name="image"), keras.Input((2,), name="numbers")
    flat = keras.layers.Flatten()(keras.layers.Conv2D(2, 3)(images))
    keras.Model([images, numbers], keras.layers.Concatenate()([flat, numbers])).save("m.keras")


def begun() -> None:
    """The study ``s`` with two trials, whose models are gone."""
    study(Path("studies/s"), [record(0, 0.8, model="gone"), record(1, 0.9, model="gone")])


def begun_with(make: Callable[[str], Make]) -> Make:
    """The study ``s``, whose trial 0 has a model file that ``make(path)`` makes."""
    return both(begun, make("studies/s/trials/0000/model.keras"))
