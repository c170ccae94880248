import os

import pytest

from pipeline.data.scan import check_training, scan
from pipeline.data.split import TEST, TRAIN, VALIDATION
from pipeline.errors import DataError


def plant(root, *names):
    for name in names:
        path = root / name
        if name.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x" * len(name))
    return root


def scanned(root):
    return [(file.relative, file.label, file.given_split) for file in scan(root).files]


def test_classes_and_files_come_sorted(tmp_path):
    plant(tmp_path, "dog/b.PNG", "dog/a.jpeg", "cat/z.webp", "cat/y.Bmp", "cat/x.gif", "cat/w.jpg")
    listing = scan(tmp_path)
    assert listing.classes == ("cat", "dog")
    assert listing.notes == ()
    assert scanned(tmp_path) == [
        ("cat/w.jpg", 0, TRAIN),
        ("cat/x.gif", 0, TRAIN),
        ("cat/y.Bmp", 0, TRAIN),
        ("cat/z.webp", 0, TRAIN),
        ("dog/a.jpeg", 1, TRAIN),
        ("dog/b.PNG", 1, TRAIN),
    ]
    assert listing.files[0].path == str(tmp_path / "cat/w.jpg")
    assert (listing.files[0].size, listing.files[0].changed) == (9, (tmp_path / "cat/w.jpg").stat().st_mtime_ns)


@pytest.mark.parametrize("name", ["val", "valid", "validation", "Val"])
def test_given_splits(tmp_path, name):
    plant(
        tmp_path, "train/a/1.png", "train/b/1.png", f"{name}/a/2.png", f"{name}/b/2.png", "test/a/3.png", "test/b/3.png"
    )
    given = {relative.split("/")[0]: number for relative, _, number in scanned(tmp_path)}
    assert given == {"train": TRAIN, name: VALIDATION, "test": TEST}
    assert scan(tmp_path).classes == ("a", "b")


def test_train_may_be_a_class_too(tmp_path):
    plant(tmp_path, "train/1.png", "car/1.png", "test/1.png")
    assert scan(tmp_path).classes == ("car", "test", "train")


def test_images_deeper_in_a_class_are_scanned(tmp_path):
    plant(tmp_path, "a/day/1/x.png", "a/x.png", "b/x.png")
    assert scanned(tmp_path) == [("a/day/1/x.png", 0, TRAIN), ("a/x.png", 0, TRAIN), ("b/x.png", 1, TRAIN)]


def test_hidden_files_are_passed_over_in_silence(tmp_path):
    plant(
        tmp_path, "a/1.png", "b/1.png", "a/.DS_Store", "a/Thumbs.db", "a/._1.png", ".git/1.png", "__MACOSX/a/1.png",
        ".DS_Store", "a/.cache/2.png",
    )  # fmt: skip
    assert scan(tmp_path).notes == ()
    assert len(scan(tmp_path).files) == 2


def test_other_files_are_counted_once(tmp_path):
    plant(tmp_path, "a/1.png", "b/1.png", "a/notes.txt", "b/deep/1.HEIC", "b/2.heic", "labels.csv")
    counts = "2 .heic, 1 .txt, 1 .csv"
    assert scan(tmp_path).notes == (f"{tmp_path}: passed over 4 files that are not an image of a class: {counts}",)
    (tmp_path / "b/2.heic").unlink()
    (tmp_path / "b/deep/1.HEIC").unlink()
    (tmp_path / "a/notes.txt").unlink()
    assert scan(tmp_path).notes == (f"{tmp_path}: passed over 1 file that is not an image of a class: 1 .csv",)


def test_what_lies_beside_the_splits_is_noted(tmp_path):
    plant(tmp_path, "train/a/1.png", "train/b/1.png", "unlabelled/1.png", "train/stray.png")
    assert scan(tmp_path).notes == (
        f"{tmp_path}: passed over unlabelled/ beside train/",
        f"{tmp_path}: passed over 1 file that is not an image of a class: 1 .png",
    )


def test_links_are_followed_and_loops_are_not(tmp_path):
    plant(tmp_path, "data/a/1.png", "data/b/1.png", "elsewhere/2.png")
    os.symlink(tmp_path / "elsewhere", tmp_path / "data/a/more")
    os.symlink(tmp_path / "data", tmp_path / "data/a/loop")
    os.symlink(tmp_path / "data/b", tmp_path / "data/a/sibling")
    os.symlink(tmp_path / "nowhere", tmp_path / "data/b/gone.png")
    listing = scan(tmp_path / "data")
    assert [file.relative for file in listing.files] == ["a/1.png", "a/more/2.png", "b/1.png"]
    assert "passed over 1 file " in listing.notes[0]


def test_a_pipe_with_the_name_of_an_image_is_not_opened(tmp_path):
    plant(tmp_path, "a/1.png", "b/1.png")
    os.mkfifo(tmp_path / "a/2.png")
    assert len(scan(tmp_path).files) == 2


def test_a_class_may_be_a_link(tmp_path):
    plant(tmp_path, "real/1.png", "data/a/1.png", "data/c/")
    os.symlink(tmp_path / "real", tmp_path / "data/b")
    (tmp_path / "data/c").rmdir()
    assert scan(tmp_path / "data").classes == ("a", "b")


SPLIT = ["train/a/1.png", "train/b/1.png"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], ": the folder is empty; expected a folder of images for each class"),
        ([".DS_Store"], ": the folder is empty;"),
        (["1.png", "2.png"], ": no class folders in it;"),
        (["a/1.png"], ": only one class, 'a', and at least two are needed;"),
        (["train/a/1.png"], ": only one class, 'a', and at least two are needed;"),
        (["a/x/1.png"], ": only one class, 'x', and at least two are needed;"),
        ([*SPLIT, "test/a/1.png", "test/c/1.png"], ": class 'c' is in test and not in train; add images to train"),
        (["test/a/1.png", "test/b/1.png"], ": only test images and none to train with; expected"),
        ([*SPLIT, "val/a/1.png", "validation/a/1.png"], ": val and validation are the same split; keep one of them"),
        (["train/1.png", "test/1.png"], ": no class folders in test/, train/; expected a folder for each class, as in"),
        (["train/1.png", "test/a/1.png", "test/b/1.png"], ": no class folders in train/; expected"),
        (["a/1.png", "b/"], "/b: no images in this class folder; add some or remove the folder"),
        (
            ["a/1.png", "b/x.heic", "b/y.heic"],
            "/b: no images in this class folder, but 2 .heic; convert them or",
        ),
        (
            ["Images/a/1.png", "Images/b/1.png", "Annotation/a/1.xml", "Annotation/b/1.xml"],
            "/Annotation: no images in this class folder, but 2 .xml; give {root}/Images if its folders are",
        ),
        (
            ["images/train/1.png", "images/val/1.png", "labels/train/1.txt", "labels/val/1.txt"],
            "/labels/train: no images in this class folder, but 1 .txt; convert them or remove the folder; expected a",
        ),
        ([*SPLIT, "train/c/x.txt"], "/train/c: no images in this class folder, but 1 .txt;"),
        (["a/x.txt", "b/"], "/a: no images in this class folder, but 1 .txt;"),
    ],
)
def test_what_makes_no_dataset_is_refused(tmp_path, names, message):
    plant(tmp_path, *names)
    with pytest.raises(DataError) as caught:
        check_training(tmp_path, scan(tmp_path))
    assert str(caught.value).startswith(f"{tmp_path}{message.format(root=tmp_path)}")
    assert "\n" not in str(caught.value)


def test_a_class_may_have_no_images_to_test_with(tmp_path):
    plant(tmp_path, "train/a/1.png", "train/b/1.png", "train/c/1.png", "test/a/1.png", "test/b/1.png", "test/c/")
    listing = scan(tmp_path)
    check_training(tmp_path, listing)
    assert (listing.classes, len(listing.files), listing.notes) == (("a", "b", "c"), 5, ())


def test_an_empty_class_folder_beside_others_is_measured(tmp_path):
    plant(tmp_path, "a/1.png", "b/")
    assert scan(tmp_path).classes == ("a",)


def test_names_in_two_unicode_forms_are_one_class(tmp_path):
    plant(tmp_path, "train/caf\u00e9/1.png", "train/tea/1.png", "test/cafe\u0301/1.png", "train/cafe\u0301/2.png")
    listing = scan(tmp_path)
    assert listing.classes == ("caf\u00e9", "tea")
    assert [file.label for file in listing.files] == [0, 0, 0, 1]


def test_names_that_are_not_utf_8_are_two_classes(tmp_path):
    for name in (b"\xce\xd2", b"\xc4\xe3"):
        folder = os.path.join(os.fsencode(tmp_path), name)
        os.mkdir(folder)
        with open(os.path.join(folder, b"1.png"), "wb"):
            pass
    assert scan(tmp_path).classes == (r"\xc4\xe3", r"\xce\xd2")


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(DataError, match=r"gone: cannot be read \(No such file or directory\)"):
        scan(tmp_path / "gone")
