from pipeline.data.split_notes import split_notes
from tests.data.npz_files import read
from tests.data.test_training_notes import own_cache, whole  # noqa: F401


def lines(tmp_path, **content):
    return [line.removeprefix(f"{tmp_path}/mine.npz: ") for line in split_notes(read(tmp_path, content))]


def test_splits_with_the_classes_of_the_training_need_no_note(tmp_path):
    assert lines(tmp_path, **whole((60, 20), (30, 10), (10, 4))) == []


def test_a_split_is_uneven_if_it_is_larger_than_the_training_or_has_other_shares(tmp_path):
    assert lines(tmp_path, **whole((30, 30), (100, 2), (30, 30))) == [
        "102 validation images and only 60 to train with; move some to train",
        "1 is 0.5 of the training images and 0.02 of the validation images; scores suit the classes as they are there, "
        "so make the shares those that you expect later",
    ]


def test_a_class_that_a_split_lacks_or_has_few_images_of_is_not_told_here(tmp_path):
    assert lines(tmp_path, **whole((30, 30, 2), (20, 20, 0), (3, 3, 1))) == []
