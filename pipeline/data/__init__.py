"""Images in, arrays out: named sets, image folders and npz files, split and cached. numpy and Pillow only."""

from pipeline.data.dataset import Dataset
from pipeline.data.load import load
from pipeline.data.named import NAMED

__all__ = ["NAMED", "Dataset", "load"]
