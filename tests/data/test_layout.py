import pytest

from pipeline.data.layout import find_layout
from pipeline.data.scan import scan
from pipeline.data.split import SPLIT_NAMES
from tests.data.test_scan import plant


def layout(root, *names):
    """Split and class of each class folder, and the notes without the path of the dataset."""
    found = find_layout(plant(root, *names))
    folders = [(SPLIT_NAMES[folder.given_split], folder.relative) for folder in found.classes]
    return folders, [note.removeprefix(f"{root}: ") for note in found.notes]


def test_split_folders_of_other_names(tmp_path):
    assert layout(tmp_path, "Training/a/1.png", "Training/b/1.png", "Testing/a/1.png") == (
        [("test", "Testing/a"), ("train", "Training/a"), ("train", "Training/b")],
        ["taken as splits: Testing/ is test, Training/ is train"],
    )


def test_a_split_folder_inside_one_of_the_same_name(tmp_path):
    folders, notes = layout(tmp_path, "seg_train/seg_train/a/1.png", "seg_train/seg_train/b/1.png", "seg_test/a/1.png")
    assert folders == [("test", "seg_test/a"), ("train", "seg_train/seg_train/a"), ("train", "seg_train/seg_train/b")]
    assert notes == ["taken as splits: seg_test/ is test, seg_train/seg_train/ is train"]


def test_a_split_without_class_folders_is_passed_over(tmp_path):
    folders, notes = layout(tmp_path, "train/a/1.png", "train/b/1.png", "test/1.png", "test/2.png", "val/")
    assert folders == [("train", "train/a"), ("train", "train/b")]
    assert notes == [
        "passed over test/, which has 2 images in no class folder",
        "passed over val/, which has 0 images in no class folder",
    ]


def test_splits_inside_the_classes(tmp_path):
    folders, notes = layout(tmp_path, "cat/train/1.png", "cat/test/1.png", "dog/train/1.png", "dog/test/1.png")
    assert folders == [("test", "cat/test"), ("train", "cat/train"), ("test", "dog/test"), ("train", "dog/train")]
    assert notes == ["each class folder has folders for train and test, taken as splits"]
    assert scan(tmp_path).classes == ("cat", "dog")


@pytest.mark.parametrize("more", ["dog/1.png", "dog/train/1.png", "cat/3.png"])
def test_only_where_all_classes_have_them(tmp_path, more):
    folders, notes = layout(tmp_path, "cat/train/1.png", "cat/test/1.png", "dog/test/1.png", more)
    inside = more == "dog/train/1.png"
    assert [relative for _, relative in folders] == (
        ["cat/test", "cat/train", "dog/test", "dog/train"] if inside else ["cat", "dog"]
    )
    assert bool(notes) == inside


def test_a_folder_that_is_alone_is_entered(tmp_path):
    folders, notes = layout(tmp_path, "archive/PetImages/cat/1.png", "archive/PetImages/dog/1.png", "readme.txt")
    assert folders == [("train", "archive/PetImages/cat"), ("train", "archive/PetImages/dog")]
    assert notes == ["the classes are taken from archive/PetImages/ in it"]


def test_a_test_folder_alone_is_a_split(tmp_path):
    assert layout(tmp_path, "test/cat/1.png", "test/dog/1.png") == ([("test", "test/cat"), ("test", "test/dog")], [])


def test_a_class_without_images_of_its_own_is_noted(tmp_path):
    plant(tmp_path, "Images/cat/1.png", "Images/dog/1.png", "Samples/1.png")
    assert scan(tmp_path).notes == (
        f"{tmp_path}: Images/ has no images of its own and is one class with those in cat/, dog/; "
        f"if these are the classes, give {tmp_path}/Images instead",
    )
    plant(tmp_path, "More/x/1.png", "More/y/1.png", "All/one/1.png")
    assert len(scan(tmp_path).notes) == 1
    assert "and, like 1 more, is one class" in scan(tmp_path).notes[0]
