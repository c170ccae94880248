"""Images in, arrays out: named datasets, image folders and .npz files, split and cached. numpy and Pillow only."""

from pipeline.data.dataset import Dataset
from pipeline.data.form import ChooseSize, Pictures
from pipeline.data.load import load, relist
from pipeline.data.named import NAMED_DATASETS

__all__ = ["NAMED_DATASETS", "ChooseSize", "Dataset", "Pictures", "load", "relist"]
