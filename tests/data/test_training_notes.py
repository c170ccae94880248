import numpy as np
import pytest

from pipeline.data import load
from pipeline.data.training_notes import training_notes
from pipeline.metrics import METRICS
from tests.data.npz_files import read


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVTUNE_CACHE", str(tmp_path / "cache"))


def noise(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 6, 6), dtype=np.uint8)


def said(tmp_path, metric="accuracy", weighted=False, **content):
    """The notes without the path, and the dataset."""
    dataset = read(tmp_path, content)
    lines = training_notes(dataset, METRICS[metric], weighted)
    return [line.removeprefix(f"{tmp_path}/mine.npz: ") for line in lines], dataset


def split(counts, seed=0):
    """Noise and labels, as many of each class as ``counts`` says."""
    return noise(sum(counts), seed), np.repeat(np.arange(len(counts)), counts)


def whole(train, val, test):
    content = {}
    for seed, (name, counts) in enumerate({"train": train, "val": val, "test": test}.items()):
        content[f"x_{name}"], content[f"y_{name}"] = split(counts, seed)
    return content


def test_a_sound_dataset_needs_no_note(tmp_path):
    lines, dataset = said(tmp_path, **whole((40, 50), (50, 50), (3, 3)))
    assert lines == []
    assert dataset.describe_classes() == "classes: 0 (93), 1 (103)"


def test_many_classes_are_counted(tmp_path):
    _, dataset = said(tmp_path, **whole((3,) * 20, (1,) * 20, (1,) * 20))
    assert dataset.describe_classes().endswith("11 (5) and 8 more")


@pytest.mark.parametrize(("counts", "imbalanced"), [((10, 49), False), ((10, 50), True)])
def test_classes_are_imbalanced_from_five_times_on(tmp_path, counts, imbalanced):
    lines, _ = said(tmp_path, **whole(counts, (50, 50), (3, 3)))
    assert lines == (
        [
            "imbalanced classes, 5 to 1: 50 training images of 1 and 10 of 0; accuracy hardly counts the rare ones, "
            "--metric balanced_accuracy or f1_macro does; --class-weight balanced makes them count in training"
        ]
        if imbalanced
        else []
    )


def test_few_validation_images_are_told_with_the_step_of_the_score(tmp_path):
    lines, _ = said(tmp_path, **whole((20, 20), (8, 8), (3, 3)))
    assert lines == [
        "16 validation images: accuracy moves in steps of 0.0625, and trials tie or win by chance; add images"
    ]


@pytest.mark.parametrize(
    ("metric", "advice", "steps"),
    [
        ("balanced_accuracy", "", "trials win by chance"),
        ("f1_macro", "", "trials win by chance"),
        ("roc_auc", "", "trials win by chance"),
        ("log_loss", "; log loss hardly counts", "trials win by chance"),
        ("top5_accuracy", "; top-5 accuracy hardly counts", "top-5 accuracy moves in steps of 0.0625, and"),
    ],
)
def test_what_is_advised_suits_the_metric(tmp_path, metric, advice, steps):
    (imbalanced, few), _ = said(tmp_path, metric, **whole((2, 20), (8, 8), (3, 3)))
    assert imbalanced.startswith(f"imbalanced classes, 10 to 1: 20 training images of 1 and 2 of 0{advice}")
    assert ("--metric" in imbalanced) == bool(advice)
    assert few.startswith(f"16 validation images: {steps}")


def test_a_study_that_weighs_its_classes_needs_no_advice_to_do_so(tmp_path):
    (line, _), _ = said(tmp_path, "f1_macro", weighted=True, **whole((2, 20), (8, 8), (3, 3)))
    assert line == "imbalanced classes, 10 to 1: 20 training images of 1 and 2 of 0"


def test_classes_without_test_images(tmp_path):
    lines, _ = said(tmp_path, **whole((20, 20, 20), (50, 50, 2), (3, 3)))
    assert lines == ["no test images of 2"]


def test_copies_across_splits_are_counted_and_named(tmp_path):
    content = whole((20, 20), (50, 50), (10, 10))
    content["x_val"][0] = content["x_train"][3]
    content["x_test"][:4] = content["x_train"][:4]
    content["x_test"][4] = content["x_val"][7]
    lines, _ = said(tmp_path, **content)
    assert lines == [
        "1 of 100 validation images and 5 of 20 test images are copies of images that a network is fitted to or chosen "
        "by, pixel for pixel (image 40 = image 3, image 140 = image 0, image 141 = image 1 and 3 more); scores are too "
        "high, remove the copies"
    ]


def test_one_picture_in_two_classes(tmp_path):
    content = whole((20, 20), (50, 50), (3, 3))
    content["x_train"][30] = content["x_train"][31] = content["x_train"][5]
    content["x_train"][12] = content["x_train"][13]
    lines, _ = said(tmp_path, **content)
    assert lines == ["1 picture is in two classes (image 30 = image 5); keep each in one"]


def test_images_as_dark_as_if_they_had_another_range(tmp_path):
    content = whole((20, 20), (50, 50), (3, 3))
    lines, _ = said(tmp_path, **{name: array % 16 if name[0] == "x" else array for name, array in content.items()})
    assert lines == [
        "all images are nearly black, their highest pixel is 15 of 255; "
        "if 15 stands for white, scale the pixels to 0..255 and save them again"
    ]


def test_a_bundled_set_is_taken_before_a_folder_of_its_name_and_this_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = []
    load("digits", warn=lines.append, fetch=None)
    assert lines == []
    (tmp_path / "digits").mkdir()
    load("digits", warn=lines.append, fetch=None)
    assert lines == ["digits: the set that comes with convtune; for the folder here give ./digits"]
