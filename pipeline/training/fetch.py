"""The datasets of Keras, as .npz files. For a worker process: it imports Keras."""

import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pipeline.errors import DataError


class _Files(NamedTuple):
    """Where Keras looks for a dataset, below its folder, and what those files are called by who publishes them."""

    folder: str
    names: tuple[str, ...]
    published: str = ""


# As keras.datasets and keras.utils.get_file of Keras 3.15 name them.
_FILES = {
    "mnist": _Files("datasets", ("mnist.npz",)),
    "fashion_mnist": _Files(
        "datasets/fashion-mnist",
        tuple(f"{part}-{kind}-ubyte.gz" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")),
    ),
    "cifar10": _Files("datasets", ("cifar-10-batches-py-target_archive",), "cifar-10-python.tar.gz"),
    "cifar100": _Files("datasets", ("cifar-100-python-target_archive",), "cifar-100-python.tar.gz"),
}

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


def fetch(name: str, folder: Path) -> None:
    """Writes ``name``.npz into ``folder``: x_train, y_train, x_test, y_test (uint8 images, int64 labels, the fine ones
    of cifar100), and classes where they have names.

    Keras downloads what its own folder does not have. A DataError says which files to put there when it cannot.
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
    except Exception as error:  # get_file raises bare Exceptions; a damaged file raises whatever reads it
        reason = " ".join(str(error).split())
        raise DataError(f"{name}: cannot be downloaded or read ({reason}); {_by_hand(_FILES[name])}") from None


def _by_hand(files: _Files) -> str:
    folder = Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / files.folder
    what = f"{files.published} as {files.names[0]}" if files.published else ", ".join(files.names)
    return f"put {what} into {folder} by hand, or take mnist5k or digits, which need no network"
