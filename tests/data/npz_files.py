"""Made-up .npz files."""

import numpy as np

from pipeline.data import load


def arrays(**changes):
    """A sound file of 12 training images; a change of None leaves an array out."""
    rng = np.random.default_rng(0)
    sound = {"x_train": rng.integers(0, 256, (12, 5, 4), dtype=np.uint8), "y_train": np.arange(12) % 2}
    return {name: array for name, array in (sound | changes).items() if array is not None}


def with_test(**changes):
    return arrays(**({"x_test": np.full((4, 5, 4), 9, np.uint8), "y_test": np.array([0, 0, 1, 1])} | changes))


def read(tmp_path, content, save=np.savez, **options):
    path = tmp_path / "mine.npz"
    save(path, **content)
    return load(str(path), fetch=None, **options)


def train(images):
    """As many training images as are given, labelled 0 and 1 in turn."""
    return arrays(x_train=images, y_train=np.arange(len(images)) % 2)


class Evil:
    def __reduce__(self):
        return exec, ("raise SystemExit('executed')",)
