import numpy as np
import pytest
from PIL import Image

from pipeline.data import Pictures, load, npz
from pipeline.errors import DataError
from tests.data.npz_files import Evil, arrays, read, train, with_test


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVTUNE_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_bytes_come_back_as_they_were(tmp_path, save):
    content = arrays()
    dataset = read(tmp_path, content, save)
    assert np.array_equal(dataset.images[..., 0], content["x_train"])
    assert np.array_equal(dataset.labels, content["y_train"])
    assert (dataset.name, dataset.classes, dataset.shape) == ("mine", ("0", "1"), (5, 4, 1))
    assert dataset.describe() == "12 images 5x4x1, 2 classes: 8 train / 2 validation / 2 test"


def test_given_splits_and_names(tmp_path):
    content = with_test(
        x_val=np.full((2, 5, 4), 7, np.uint8), y_val=np.array([[0], [1]]), classes=np.array(["cat", "dog"])
    )
    dataset = read(tmp_path, content)
    assert dataset.classes == ("cat", "dog")
    assert dataset.train.tolist() == list(range(12))
    assert np.all(dataset.images[dataset.validation] == 7)
    assert np.all(dataset.images[dataset.test] == 9)
    assert dataset.labels[dataset.test].tolist() == [0, 0, 1, 1]


def test_validation_is_carved_out_when_only_test_is_given(tmp_path):
    dataset = read(tmp_path, with_test())
    assert [len(rows) for rows in (dataset.train, dataset.validation, dataset.test)] == [10, 2, 4]
    assert np.all(dataset.images[dataset.test] == 9)


@pytest.mark.parametrize(("channels", "expected"), [(1, 1), (3, 3), (4, 3)])
def test_channels(tmp_path, channels, expected):
    images = np.random.default_rng(0).integers(0, 256, (6, 5, 4, channels), dtype=np.uint8)
    dataset = read(tmp_path, train(images))
    assert dataset.shape == (5, 4, expected)
    if channels < 4:
        assert np.array_equal(dataset.images, images)


def test_transparency_lies_on_white(tmp_path):
    images = np.zeros((6, 1, 2, 4), np.uint8)
    images[:, 0, 0, 3] = 255
    assert read(tmp_path, train(images)).images[0].tolist() == [[[0, 0, 0], [255, 255, 255]]]


@pytest.mark.parametrize("channels", [1, 3])
def test_image_size_resizes_as_pillow_does(tmp_path, channels):
    images = np.random.default_rng(0).integers(0, 256, (6, 8, 6, channels), dtype=np.uint8)
    dataset = read(tmp_path, train(images), image_size=(4, 5))
    assert dataset.shape == (4, 5, channels)
    image = Image.fromarray(images[3, ..., 0] if channels == 1 else images[3])
    expected = np.asarray(image.resize((5, 4), Image.Resampling.BILINEAR)).reshape(4, 5, channels)
    assert np.array_equal(dataset.images[3], expected)


def test_test_images_of_another_size_are_stretched_and_this_is_said(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (4, 8, 6, 3), dtype=np.uint8)
    lines = []
    dataset = read(tmp_path, with_test(x_test=images), warn=lines.append)
    assert dataset.shape == (5, 4, 3)
    assert lines == [f"{tmp_path}/mine.npz: x_test: images of 8x6, while x_train has 5x4; all get one size"]
    expected = np.asarray(Image.fromarray(images[1]).resize((4, 5), Image.Resampling.BILINEAR))
    assert np.array_equal(dataset.images[dataset.test[1]], expected)
    assert np.array_equal(dataset.images[: len(dataset.images) - 4, ..., 2], arrays()["x_train"])


def test_grey_becomes_colour_and_colour_grey(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (6, 5, 4, 3), dtype=np.uint8)
    grey = read(tmp_path, train(images), channels=1)
    expected = [np.asarray(Image.fromarray(image).convert("L"))[..., None] for image in images]
    assert np.array_equal(grey.images, expected)
    colour = read(tmp_path, train(images[..., 0]), channels=3)
    assert np.array_equal(colour.images, np.repeat(images[..., :1], 3, axis=3))


@pytest.mark.parametrize("turned", [False, True])
def test_the_shape_that_is_there_is_one_entry_whoever_asks_for_it(tmp_path, turned):
    np.savez(tmp_path / "mine.npz", **arrays())
    requests = [{}, {"image_size": (5, 4), "channels": 1}]
    first, again = (
        load(str(tmp_path / "mine.npz"), fetch=None, **request) for request in sorted(requests, key=len, reverse=turned)
    )
    assert again.folder == first.folder
    assert len(list((tmp_path / "cache/entries").iterdir())) == 1


def test_the_second_load_reads_nothing(tmp_path, monkeypatch):
    first = read(tmp_path, arrays())
    monkeypatch.setattr(npz, "read_range", None)
    monkeypatch.setattr(npz, "allocate_images", None)
    assert load(str(tmp_path / "mine.npz"), fetch=None).digest == first.digest


def test_a_size_is_chosen_for_arrays_too(tmp_path):
    seen = []
    assert read(tmp_path, arrays(), choose_size=lambda pictures: seen.append(pictures) or (3, 2)).shape == (3, 2, 1)
    assert seen == [Pictures(5, 4, 1, images=12, classes=2)]


def test_another_image_size_is_another_entry(tmp_path):
    assert read(tmp_path, arrays()).shape == (5, 4, 1)
    assert load(str(tmp_path / "mine.npz"), image_size=(3, 2), fetch=None).shape == (3, 2, 1)


def test_the_digest_is_of_the_given_splits_too(tmp_path):
    more = {"x": np.full((4, 5, 4), 9, np.uint8), "y": np.array([0, 0, 1, 1])}
    first, other = (
        read(tmp_path, arrays(**{f"{letter}_{part}": array for letter, array in more.items()}))
        for part in ("val", "test")
    )
    assert np.array_equal(first.images, other.images)
    assert first.digest != other.digest


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path):
    def change_then_choose(pictures):
        np.savez(tmp_path / "mine.npz", **with_test())
        return 5, 4

    expected = "mine.npz: changed while its images were read: 12 images then, 16 now; nothing is kept of it"
    with pytest.raises(DataError, match=expected):
        read(tmp_path, arrays(), choose_size=change_then_choose)
    assert len(load(str(tmp_path / "mine.npz"), fetch=None).test) == 4


def test_a_changed_file_is_noticed(tmp_path):
    first = read(tmp_path, arrays())
    assert read(tmp_path, train(arrays()["x_train"] // 2)).digest != first.digest


NAN = np.zeros((12, 5, 4))
NAN[7, 2, 1] = np.nan
INFINITE = np.zeros((12, 5, 4, 1), np.float32)
INFINITE[0, 1, 2, 0] = np.inf
KEYS = "expected x_train, y_train, x_val, y_val, x_test, y_test, classes"

REFUSED = [
    (arrays(x_train=None), "x_train is missing; save images as x_train and labels as y_train"),
    (arrays(y_train=None), "y_train is missing"),
    (with_test(y_test=None), "y_test is missing"),
    (with_test(x_test=None), "x_test is missing"),
    (arrays(x_trian=np.zeros(3)), f"unknown array 'x_trian', did you mean 'x_train'?; {KEYS}"),
    (
        dict(zip(("arr_0", "arr_1"), arrays().values(), strict=True)),
        "its arrays have no names (arr_0); save them as numpy.savez(file, x_train=images, y_train=labels)",
    ),
    (arrays(weights=np.zeros(3)), f"unknown array 'weights'; {KEYS}"),
    (arrays(x_train=np.zeros((12, 20), np.uint8)), "x_train has the shape (12, 20); expected (n, height, width) or"),
    (arrays(x_train=np.zeros((12, 5, 4, 2), np.uint8)), "x_train has the shape (12, 5, 4, 2); expected"),
    (arrays(x_train=np.zeros((12, 3, 32, 32), np.uint8)), "4 channels; save numpy.moveaxis(images, 1, -1)"),
    (arrays(x_train=np.zeros((12, 5, 4, 3, 1), np.uint8)), "x_train has the shape (12, 5, 4, 3, 1); expected"),
    (arrays(x_train=np.uint8(3)), "x_train has the shape (); expected"),
    (arrays(x_train=np.zeros((0, 5, 4), np.uint8)), "x_train is empty, its shape is (0, 5, 4)"),
    (arrays(x_train=np.zeros((12, 0, 4), np.uint8)), "x_train is empty"),
    (with_test(x_test=np.zeros((0, 5, 4), np.uint8), y_test=np.zeros(0, int)), "x_test is empty"),
    (with_test(x_test=np.zeros((4, 5, 4))), "x_test is float64 and x_train is uint8; save all images with one dtype"),
    (arrays(x_train=NAN), "x_train[7, 2, 1] is nan; expected finite pixels"),
    (arrays(x_train=INFINITE), "x_train[0, 1, 2, 0] is inf; expected finite pixels"),
    (arrays(x_train=np.full((12, 5, 4), 65536)), "x_train: pixels of 65536; expected 0..65,535"),
    (arrays(x_train=np.full((12, 5, 4), -1)), "x_train: pixels of -1; expected 0..65,535"),
    (arrays(x_train=np.full((12, 5, 4), -0.5)), "x_train: pixels of -0.5; expected 0..1, 0..255 or up to 65,535"),
    (arrays(x_train=np.zeros((12, 5, 4), complex)), "x_train: pixels are complex128; expected uint8"),
    (arrays(x_train=np.zeros((12, 5, 4), bool)), "x_train: pixels are bool; expected uint8"),
    (arrays(x_train=np.full((12, 5, 4), "a")), "x_train: pixels are <U1; expected uint8"),
    (arrays(y_train=np.arange(12) % 2 * 0.5), "y_train: a label is 0.5; expected whole numbers"),
    (arrays(y_train=np.zeros(12, "datetime64[D]")), "y_train: labels are datetime64[D]; expected numbers or text"),
    (with_test(y_test=np.array(["a", "b"] * 2)), "y_train: some labels are text and some are numbers"),
    (arrays(y_train=np.arange(12) % 2 - 1), "y_train: a label is -1; expected 0 to"),
    (
        arrays(y_train=np.arange(11) % 2),
        "y_train has the shape (11,); expected (12,), one label per image",
    ),
    (arrays(y_train=np.zeros((12, 2, 2), int)), "y_train has the shape (12, 2, 2); expected (12,)"),
    (arrays(y_train=np.array([[0, 1], [1, 1]] * 6)), "y_train[1] is not one-hot: expected a single 1 in each row"),
    (arrays(y_train=np.array([[0.2, 0.8]] * 12)), "y_train[0] is not one-hot"),
    (arrays(X_train=np.zeros((12, 5, 4))), "are both images of the train split; keep one"),
    (arrays(y_train=np.array(["a", "b"] * 6), classes=np.array(["a", "c"])), "label 'b' is none of the class names"),
    (arrays(y_train=np.eye(12, 1, dtype=np.uint64) * 2**63), "y_train: a label is 9223372036854775808"),
    (arrays(y_train=np.zeros(12, int)), "y_train: only one class; expected at least two"),
    (with_test(y_test=np.array([0, 1, 2, 0])), "class '2' has 0 training images; expected at least 2"),
    (arrays(y_train=np.array([0] * 10 + [1] * 2)), "class '1' has 2 training images; expected at least 3"),
    (with_test(y_train=np.array([0] * 11 + [1])), "class '1' has 1 training image; expected at least 2"),
    (arrays(classes=np.array(["a"])), "classes has 1 names and the labels go to 1"),
    (arrays(classes=np.array(["a", "a"])), "classes: 'a' comes twice"),
    (arrays(classes=np.array([1, 2])), "classes is int64 of shape (2,); expected a list of text"),
    (arrays(classes=np.array(["a" * 2**18, "b"])), "classes is above 1,048,576 bytes"),
    (arrays(x_train=np.array([Evil()] * 12)), "x_train holds pickled Python objects, which are never loaded"),
    (arrays(classes=np.array([Evil(), 1], dtype=object)), "classes holds pickled Python objects"),
]


@pytest.mark.parametrize(("content", "message"), REFUSED, ids=[message[:40] for _, message in REFUSED])
def test_a_file_that_makes_no_dataset_is_refused(tmp_path, content, message):
    with pytest.raises(DataError) as caught:
        read(tmp_path, content)
    line = str(caught.value)
    assert line.startswith(str(tmp_path / "mine.npz"))
    assert message in line
    assert "\n" not in line
    assert not (tmp_path / "cache/entries").exists() or not list((tmp_path / "cache/entries").iterdir())


NUMBERS = np.arange(12) % 2


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (NUMBERS[:, None], ("0", "1")),
        (NUMBERS * 1.0, ("0", "1")),
        (NUMBERS == 1, ("0", "1")),
        (np.eye(2, dtype=int)[NUMBERS], ("0", "1")),
        (np.eye(2, dtype=np.float32)[NUMBERS], ("0", "1")),
        (NUMBERS + 1, ("1", "2")),
        (NUMBERS * 9, ("0", "9")),
        (np.array(["cat", "dog"])[NUMBERS], ("cat", "dog")),
        (np.array([b"cat", b"dog"])[NUMBERS], ("cat", "dog")),
        (np.array(["cafe\u0301", "tea"])[NUMBERS], ("caf\u00e9", "tea")),
    ],
)
def test_labels_as_people_have_them(tmp_path, labels, classes):
    dataset = read(tmp_path, arrays(y_train=labels))
    assert dataset.classes == classes
    assert dataset.labels.tolist() == NUMBERS.tolist()


@pytest.mark.parametrize(
    "names",
    [
        ("train_images", "train_labels", "test_images", "test_labels"),
        ("X_train", "Y_train", "X_test", "Y_test"),
        ("train_x", "train_y", "test_x", "test_y"),
        ("xtrain", "ytrain", "xtest", "ytest"),
        ("images_train", "targets_train", "images_test", "targets_test"),
    ],
)
def test_names_of_arrays(tmp_path, names):
    content = dict(zip(names, with_test().values(), strict=True))
    dataset = read(tmp_path, content)
    assert len(dataset.test) == 4
    assert np.array_equal(dataset.images, read(tmp_path, with_test()).images)


@pytest.mark.parametrize("names", [("x", "y"), ("X", "Y"), ("images", "labels"), ("data", "target")])
def test_arrays_without_a_split_are_split(tmp_path, names):
    dataset = read(tmp_path, dict(zip(names, arrays().values(), strict=True)))
    assert [len(rows) for rows in (dataset.train, dataset.validation, dataset.test)] == [8, 2, 2]


def test_class_names_may_be_called_otherwise_and_label_text(tmp_path):
    content = arrays(y_train=np.array(["dog", "cat"] * 6), class_names=np.array(["dog", "cat"]))
    dataset = read(tmp_path, content)
    assert dataset.classes == ("dog", "cat")
    assert dataset.labels[:2].tolist() == [0, 1]


def test_a_test_split_alone_is_measured(tmp_path):
    content = {name: array for name, array in with_test().items() if name.endswith("test")}
    with pytest.raises(DataError, match="x_train is missing"):
        read(tmp_path, content)
    assert len(read(tmp_path, content, for_training=False).test) == 4


def test_a_bomb_that_does_not_fit_on_the_disk_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("Usage", (), {"free": 100}))
    with pytest.raises(DataError, match=r"mine\.npz: its images take .* GB decoded"):
        read(tmp_path, arrays())
