import pytest

from pipeline.data.split import TEST, TRAIN, VALIDATION
from pipeline.data.split_folders import split_folders


@pytest.mark.parametrize(
    ("name", "split"),
    [
        *(
            (name, TRAIN)
            for name in ("train", "Train", "TRAINING", "train_set", "trainset", "train_images", "train2017")
        ),
        *(
            (name, VALIDATION)
            for name in ("val", "Valid", "validation", "dev", "eval", "valid_images", "ValidationSet")
        ),
        *((name, TEST) for name in ("test", "testing", "Test_Data", "images_test", "holdout", "test-split")),
    ],
)
def test_names_of_splits(name, split):
    assert split_folders([name]) == {name: split}


@pytest.mark.parametrize("name", ["cat", "train station", "trained", "contest", "value", "tester", "steam_train", "x"])
def test_names_of_other_things(name):
    assert split_folders([name, "dog"]) == {}


def test_other_words_must_be_shared_with_another_split():
    assert split_folders(["seg_train", "seg_test", "seg_pred"]) == {"seg_train": TRAIN, "seg_test": TEST}
    assert split_folders(["toy_train", "steam_train", "bus"]) == {}
