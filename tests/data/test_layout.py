import pytest

from pipeline.data.layout import find_layout
from pipeline.data.scan import scan
from pipeline.data.split import SPLIT_NAMES
from pipeline.errors import DataError
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
        f"{tmp_path}: Images/ is one class, with the images in its folders cat/, dog/; "
        f"if these are the classes, give {tmp_path}/Images instead",
    )
    plant(tmp_path, "More/x/1.png", "More/y/1.png", "All/one/1.png")
    assert scan(tmp_path).notes == (
        f"{tmp_path}: each is one class, with the images in its folders (cat/, dog/): Images/, More/; "
        "if these are the classes, put them all into one folder and give that",
    )


@pytest.mark.parametrize("split", ["test", "Testing", "val", "test/test"])
def test_the_classes_beside_a_split_of_the_same_classes_are_to_train_with(tmp_path, split):
    folders, notes = layout(
        tmp_path, "cats/1.png", "dogs/1.png", "more/1.png", f"{split}/cats/1.png", f"{split}/dogs/1.png"
    )
    assert sorted((relative, given) for given, relative in folders if given == "train") == [
        ("cats", "train"),
        ("dogs", "train"),
        ("more", "train"),
    ]
    held_out = "validation" if split == "val" else "test"
    assert [folder for folder in folders if folder[0] != "train"] == [
        (held_out, f"{split}/cats"),
        (held_out, f"{split}/dogs"),
    ]
    assert notes == [f"taken as splits: {split}/ is {held_out}, the folders beside are train"]


@pytest.mark.parametrize(
    ("names", "unknown"),
    [
        (["cats/1.png", "dogs/1.png", "test/cats/1.png", "test/owls/1.png"], "owls/"),
        (["a/1.png", "val/b/1.png", "val/c/1.png"], "b/, c/"),
    ],
)
def test_a_split_of_other_classes_beside_classes_is_refused(tmp_path, names, unknown):
    with pytest.raises(
        DataError, match=rf"/ has the name of a split, and {unknown} in it but not beside it; put what is"
    ):
        find_layout(plant(tmp_path, *names))


def test_a_class_that_could_be_a_split_is_noted(tmp_path):
    _, notes = layout(tmp_path, "cat/1.png", "dog/1.png", "test/1.png", "train/1.png")
    assert notes == ["taken as a class, since there are no class folders in it: test/"]


@pytest.mark.parametrize("other", ["2025/val/cat/1.png", "2025/train/cat/1.png", "dog/1.png"])
def test_one_of_several_datasets_is_asked_for(tmp_path, other):
    plant(tmp_path, "2024/train/cat/1.png", "2024/train/dog/1.png", other)
    message = rf"2024/train/ is a split inside 2024/; give {tmp_path}/2024, or merge all"
    with pytest.raises(DataError, match=message):
        find_layout(tmp_path)


@pytest.mark.parametrize(("first", "second"), [("val", "eval"), ("dev", "eval"), ("Validation", "Evaluation_set")])
def test_eval_beside_validation_is_test(tmp_path, first, second):
    folders, notes = layout(tmp_path, *(f"{split}/{name}/1.png" for split in ("train", first, second) for name in "ab"))
    assert {split: relative.split("/")[0] for split, relative in folders} == {
        "train": "train",
        "validation": first,
        "test": second,
    }
    assert f"{second}/ is test" in notes[0]
