"""Images in, arrays out: named datasets, image folders and .npz files, split and cached. numpy and Pillow only."""

from pipeline.data.dataset import Dataset
from pipeline.data.load import load
from pipeline.data.named import NAMED_DATASETS
from pipeline.data.requested_shape import ChooseSize, Pictures

__all__ = ["NAMED_DATASETS", "ChooseSize", "Dataset", "Pictures", "load"]
