"""Ways to damage an entry of the cache."""

import os

import numpy as np


def truncate_images(folder):
    os.truncate(folder / "images.npy", 130)


def empty_labels(folder):
    (folder / "labels.npy").write_bytes(b"")


def remove_metadata(folder):
    (folder / "meta.json").unlink()


def garble_metadata(folder):
    (folder / "meta.json").write_text("{not json")


def empty_metadata(folder):
    (folder / "meta.json").write_text("{}")


def list_as_metadata(folder):
    (folder / "meta.json").write_text("[]")


def remove_names(folder):
    (folder / "files.json").unlink()


def shorten_labels(folder):
    np.save(folder / "labels.npy", np.zeros(3, np.int64))


def pickle_splits(folder):
    np.save(folder / "splits.npy", np.array([{}] * 6, dtype=object), allow_pickle=True)


DAMAGES = [truncate_images, empty_labels, remove_metadata, garble_metadata, empty_metadata, list_as_metadata]
DAMAGES += [shorten_labels, pickle_splits, remove_names]
"""Each takes the folder of an entry with six images."""
