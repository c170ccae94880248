"""The command of a newcomer, with no flag but the data and, so that it ends soon, one trial of two epochs."""

import numpy as np
import pytest
import yaml
from PIL import Image

from pipeline.cli import main


@pytest.fixture
def photos(here, only_tested):
    """Makes pictures of a size: dark ones and bright ones."""

    def make(height, width):
        random = np.random.default_rng(0)
        for label, least in enumerate((20, 120)):
            (here / "photos" / str(label)).mkdir(parents=True)
            for number in range(12):
                pixels = (random.integers(0, 80, (height, width, 3)) + least).astype(np.uint8)
                Image.fromarray(pixels).save(here / "photos" / str(label) / f"{number}.jpg")
        return "photos"

    return make


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "trained"), [((224, 224), "128x128"), ((480, 640), "112x144"), ((5000, 20), "80x20")], ids=str
)
def test_it_ends_with_a_model_whatever_the_size_of_the_pictures(photos, here, capsys, size, trained):
    assert (
        main(
            [
                "tune",
                "--data",
                photos(*size),
                "--trials",
                "1",
                "--epochs",
                "2",
                "--executor",
                "inline",
                "--study",
                "mine",
            ]
        )
        == 0
    )
    assert (here / "studies" / "mine" / "best.keras").is_file()
    job = yaml.safe_load((here / "studies" / "mine" / "job.yaml").read_text())
    assert (job["space"], job["image_size"]) == ("quick", trained)
    said = capsys.readouterr().err
    assert f"24 pictures of {size[0]}x{size[1]}: space quick at {trained}, networks up to " in said
