import numpy as np
from PIL import Image

from bench.contenders.subset import write_subset


def test_every_split_has_images_of_its_own_from_every_class(tmp_path):
    for place, count in (("train", 12), ("test", 5)):
        for label, name in enumerate(("cat", "dog")):
            (tmp_path / place / name).mkdir(parents=True)
            for number in range(count):
                value = 100 * label + (50 if place == "test" else 0) + number
                Image.new("RGB", (4, 4), (value,) * 3).save(tmp_path / place / name / f"{number:02}.png")
    write_subset(tmp_path, 16, tmp_path / "subset.npz")
    data = np.load(tmp_path / "subset.npz")
    assert {name: data[name].shape for name in data.files if name[0] == "x"} == {
        "x_train": (16, 4, 4, 3),
        "x_val": (4, 4, 4, 3),
        "x_test": (4, 4, 4, 3),
    }
    for split, values in (("train", range(8)), ("val", (8, 9)), ("test", (50, 51))):
        pairs = zip(data[f"x_{split}"][:, 0, 0, 0].tolist(), data[f"y_{split}"].tolist(), strict=True)
        assert sorted(pairs) == [(100 * label + value, label) for label in (0, 1) for value in values]
