"""``convtune init``: what it says, and that the file it writes is a job."""

import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.cli import main
from pipeline.errors import JobError
from pipeline.job import SETTINGS
from pipeline.job.request import read_job
from pipeline.space import complete, fix, load
from pipeline.steps.requested_space import weigh_classes
from pipeline.steps.suggested_job import suggest_job

UNDECODABLE = os.fsdecode(b"\xce\xd2")
"""A name that is not UTF-8."""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A current folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def paint(folder, count=12, size=(20, 30), seed=0, mode="RGB"):
    """So many pictures of noise; ``size`` is (height, width)."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(seed)
    for number in range(count):
        pixels = random.integers(0, 256, (*size, 3)).astype(np.uint8)
        Image.fromarray(pixels).convert(mode).save(folder / f"{number:02d}.png")


def pets(name="pets", cat=12, dog=12, **settings):
    paint(Path(name) / "cat", cat, seed=1, **settings)
    paint(Path(name) / "dog", dog, seed=2, **settings)


def grey_of_12_bits():
    for seed, name in enumerate("ab"):
        Path("data", name).mkdir(parents=True)
        for number in range(9):
            pixels = np.random.default_rng([seed, number]).integers(0, 4096, (9, 9)).astype(np.uint16)
            Image.fromarray(pixels).save(Path("data", name, f"{number}.png"))


def odd_names():
    for number, name in enumerate(["a: b # c", "null", "'quoted\"", "line\nbreak", "---", UNDECODABLE, "café"]):
        paint(Path("data", name), 4, seed=number)


def splits():
    for number, split in enumerate(("Training", "val", "Testing")):
        pets(f"data/{split}", size=(16, 16 + number))


def one_broken():
    pets("data", 20, 20)
    Path("data/cat/00.png").write_bytes(b"\x89PNG")
    Path("data/notes.txt").write_text("mine")


def arrays():
    np.savez("data.npz", x_train=np.zeros((40, 8, 8), np.uint8) + 99, y_train=np.arange(40) % 2)


FOLDERS = {
    "plain": lambda: pets("data"),
    "of many sizes": lambda: (pets("data", size=(40, 10)), paint(Path("data/cow"), size=(200, 300))),
    "grey": grey_of_12_bits,
    "imbalanced": lambda: pets("data", 5, 40),
    "odd names": odd_names,
    "splits": splits,
    "broken": one_broken,
    "arrays": arrays,
    "large": lambda: pets("data", size=(300, 200)),
}


@pytest.mark.parametrize("name", FOLDERS)
@pytest.mark.parametrize("folder", ["data", "my: data # 'x'", "1e5"])
def test_the_file_is_the_job_that_was_planned_and_so_it_is_with_every_comment_removed_but_one(capfd, name, folder):
    FOLDERS[name]()
    data = "data.npz" if name == "arrays" else folder
    if data == folder:
        Path("data").rename(folder)
    assert main(["init", data]) == 0
    out, _ = capfd.readouterr()
    assert out.endswith("\nWrote job.yaml. Read and change it, then:  convtune tune job.yaml\n")
    suggestion = suggest_job(data)
    assert suggestion.job.image_size == suggestion.dataset.shape[:2]
    assert read_job("job.yaml", {}).job == replace(suggestion.job, space="quick")
    text = Path("job.yaml").read_text()
    every = re.sub(rf"(?m)^# ({'|'.join(SETTINGS)}): ", r"\1: ", text)
    assert re.findall(r"(?m)^(\w+): ", every) == sorted(SETTINGS, key=lambda key: every.index(f"\n{key}: "))
    Path("every.yaml").write_text(every)
    with pytest.raises(JobError, match=r"^--ray-address: expected nothing with --executor local"):
        read_job("every.yaml", {})
    Path("every.yaml").write_text(re.sub(r"(?m)^ray_address: .*$", "", every))
    job = read_job("every.yaml", {}).job
    assert job.as_file().keys() == SETTINGS.keys() - {"ray_address"}
    space = weigh_classes(fix(load(job.space), dict(job.fixed)), job)
    assert [complete(space, point)["blocks"] for point in job.attempts] == [2]
    assert max(map(len, text.splitlines()[:3])) <= 80


def test_every_setting_has_its_help_above_it():
    pets()
    assert main(["init", "pets"]) == 0
    blocks = Path("job.yaml").read_text().split("\n\n")
    for key, setting in SETTINGS.items():
        (block,) = [block for block in blocks if re.search(rf"(?m)^(# )?{key}: ", block)]
        words = " ".join(block.replace("\n# ", " ").split())
        assert setting.describe() in words
        assert all(name in words for name in setting.names)


def test_it_says_what_it_saw(capfd):
    pets(cat=5, dog=40, size=(40, 30))
    paint(Path("pets/dogs"), 5, size=(80, 60))
    Path("pets/dogs/00.png").write_bytes(Path("pets/dogs/01.png").read_bytes())
    Path("pets/notes.txt").write_text("mine")
    assert main(["init", "pets", "--time", "30s"]) == 0
    out, err = capfd.readouterr()
    rows = dict(re.findall(r"(?m)^(\w+(?: at)?)  +(.*)$", out))
    assert rows["Images"] == "50 in 3 classes, 40x30 (40x30 to 80x60), colour, 8 bits"
    assert rows["Classes"] == "cat (5), dog (40), dogs (5)"
    assert rows["Splits"] == "33 train / 9 validation / 8 test"
    assert "validation and test taken from train by seed 0; test accuracy known to within 0.35" in out
    assert rows["Copies"].startswith("1 of other images; splits that are made keep")
    assert rows["Trained at"] == "40x30, their own size"
    assert re.fullmatch(r"about \d+ full trainings? of 40 epochs in 30 s, space quick, \d+ workers?", rows["Plan"])
    assert rows["Suggested"] == "metric balanced_accuracy, class_weight balanced: classes are imbalanced"
    for line in (
        "pets: passed over 1 file that is not an image of a class: 1 .txt",
        "pets: imbalanced classes, 14 to 1: 28 training images of dog and 2 of dogs",
        "pets: 9 validation images: trials win by chance; add images",
        "pets: class names that look alike: dog and dogs; if they mean the same, put the images into one",
    ):
        assert f"warning: {line}\n" in err
    job = read_job("job.yaml", {}).job
    assert (job.metric, job.class_weight, job.time) == ("balanced_accuracy", "balanced", 30.0)


def test_copies_across_given_splits_are_named(capfd):
    splits()
    Path("data/Testing/cat/00.png").write_bytes(Path("data/Training/cat/03.png").read_bytes())
    assert main(["init", "data"]) == 0
    out, err = capfd.readouterr()
    assert "as they are given" in out
    assert "1 of 24 test images are copies of images" in err
    assert "Testing/cat/00.png = Training/cat/03.png" in err


def test_a_path_in_a_file_elsewhere_is_absolute_and_a_name_stays(here, capfd):
    pets()
    for data, named in (("pets", str(here / "pets")), ("digits", "digits")):
        assert main(["init", data, "--output", "jobs/new/mine.yaml", "--force"]) == 0
        assert read_job("jobs/new/mine.yaml", {}).job.data == named
        assert "convtune tune jobs/new/mine.yaml\n" in capfd.readouterr().out
    assert main(["init", "./pets", "--image-size", "8"]) == 0
    assert read_job("job.yaml", {}).job.image_size == (8, 8)
    assert "Trained at  8x8, as you ask\n" in capfd.readouterr().out
    assert read_job("job.yaml", {}).job.data == "./pets"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["absent"], "absent: no such dataset"),
        (["mnist"[:4]], "did you mean 'mnist'?"),
        (["empty"], "empty: the folder is empty; expected a folder of images for each class"),
        (["one"], "one: only one class, 'cat', and at least two are needed"),
        (["few"], "few: class 'cat' has 2 training images; expected at least 3"),
        (["dots"], "--data: its images are 1x1 pixels, too small to show anything"),
        (["pets", "--image-size", "0"], "--image-size: expected 1 to 4096 pixels per side"),
        (["pets", "--output", "pets"], "--output: pets is a folder; expected a file, such as pets/job.yaml"),
        (["pets", "--output", "old.yaml"], "--output: old.yaml exists; give --force to replace it"),
        (["pets", "--output", "old.yaml/job.yaml"], "--output: old.yaml/job.yaml: cannot write there"),
        (["pets", "--time", "soon"], "--time: expected a time above 0"),
        (["pets", "--forse"], "did you mean '--force'?"),
        ([], "the following arguments are required: FOLDER"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(here, capfd, arguments, told):
    pets()
    Path("empty").mkdir()
    paint(Path("one/cat"))
    pets("few", 2, 5)
    pets("dots", size=(1, 1))
    Path("old.yaml").write_text("data: mine\n")
    before = sorted(path.name for path in here.iterdir())
    try:
        code = main(["init", *arguments])
    except SystemExit as end:
        code = end.code
    out, err = capfd.readouterr()
    assert (code, out) == (2, "")
    assert told in err.splitlines()[-1]
    assert err.count("convtune") == 1 or "see `convtune" in err
    assert sorted(path.name for path in here.iterdir()) == before
    assert Path("old.yaml").read_text() == "data: mine\n"
