"""Downloads the datasets of Keras as .npz files. Runs in a worker, since it imports Keras."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pipeline.errors import DataError
from pipeline.study.trial import ReportCallback


class _KerasFiles(NamedTuple):
    """The files that Keras looks for, in a folder below its own.

    ``published`` is what the publisher calls the file, where that differs.
    """

    folder: str
    names: tuple[str, ...]
    published: str = ""


_FILES = {
    "mnist": _KerasFiles("datasets", ("mnist.npz",)),
    "fashion_mnist": _KerasFiles(
        "datasets/fashion-mnist",
        tuple(f"{part}-{kind}-ubyte.gz" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")),
    ),
    "cifar10": _KerasFiles("datasets", ("cifar-10-batches-py-target_archive",), "cifar-10-python.tar.gz"),
    "cifar100": _KerasFiles("datasets", ("cifar-100-python-target_archive",), "cifar-100-python.tar.gz"),
}
"""The files of each dataset, as keras.datasets and keras.utils.get_file of Keras 3.15 name them."""

_CLASSES = {
    "fashion_mnist": "T-shirt/top,Trouser,Pullover,Dress,Coat,Sandal,Shirt,Sneaker,Bag,Ankle boot",
    "cifar10": "airplane,automobile,bird,cat,deer,dog,frog,horse,ship,truck",
    "cifar100": (
        "apple,aquarium_fish,baby,bear,beaver,bed,bee,beetle,bicycle,bottle,bowl,boy,bridge,bus,butterfly,camel,can,"
        "castle,caterpillar,cattle,chair,chimpanzee,clock,cloud,cockroach,couch,crab,crocodile,cup,dinosaur,dolphin,"
        "elephant,flatfish,forest,fox,girl,hamster,house,kangaroo,keyboard,lamp,lawn_mower,leopard,lion,lizard,"
        "lobster,man,maple_tree,motorcycle,mountain,mouse,mushroom,oak_tree,orange,orchid,otter,palm_tree,pear,"
        "pickup_truck,pine_tree,plain,plate,poppy,porcupine,possum,rabbit,raccoon,ray,road,rocket,rose,sea,seal,shark,"
        "shrew,skunk,skyscraper,snail,snake,spider,squirrel,streetcar,sunflower,sweet_pepper,table,tank,telephone,"
        "television,tiger,tractor,train,trout,tulip,turtle,wardrobe,whale,willow_tree,wolf,woman,worm"
    ),
}
"""The class names of each dataset that has names, in the order of its labels."""


@dataclass(frozen=True)
class FetchDataset:
    """The task of downloading a dataset of Keras into a folder."""

    name: str
    folder: Path
    number: int = -1

    def run(self, report: ReportCallback) -> None:
        """See ``fetch``."""
        fetch(self.name, self.folder)


def fetch(name: str, folder: Path) -> None:
    """Writes ``name``.npz into ``folder``: x_train, y_train, x_test, y_test, and classes where they have names.

    Images are uint8, labels int64; those of cifar100 are the 100 fine ones. Keras downloads files that its own folder
    does not have. When it cannot, DataError says which files to put there.
    """
    arrays: dict[str, Any] = {}
    for part, (images, labels) in zip(("train", "test"), _load(name), strict=True):
        arrays |= {f"x_{part}": images, f"y_{part}": labels.reshape(-1).astype(np.int64)}
    if name in _CLASSES:
        arrays["classes"] = np.array(_CLASSES[name].split(","))
    np.savez(folder / f"{name}.npz", **arrays)


def _load(name: str) -> Any:
    import keras

    keras.config.set_image_data_format("channels_last")
    try:
        return getattr(keras.datasets, name).load_data()
    except Exception as error:  # get_file raises bare Exceptions, and reading a damaged file raises anything
        reason = " ".join(str(error).split())
        raise DataError(f"{name}: cannot be downloaded or read ({reason}); {_advice(_FILES[name])}") from None


def _advice(files: _KerasFiles) -> str:
    folder = Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / files.folder
    names = f"{files.published} as {files.names[0]}" if files.published else ", ".join(files.names)
    return f"put {names} into {folder} by hand, or take mnist5k or digits, which need no network"
