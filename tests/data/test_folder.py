import os
import threading
import time

import numpy as np
import pytest
from PIL import Image

from pipeline.data import Pictures, folder, load
from pipeline.data.decode import BrokenImageError, decode
from pipeline.errors import DataError


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVTUNE_CACHE", str(tmp_path / "cache"))


def no_fetch(name, where):
    raise AssertionError("folders are not fetched")


def read(path, **options):
    return load(str(path), fetch=no_fetch, **options)


def read_with_lines(path, **options):
    """The dataset, and what is said of it."""
    lines = []
    return read(path, warn=lines.append, **options), lines


def paint(root, count=6, classes=("cat", "dog"), size=(9, 7), mode="RGB", kind="png"):
    """``count`` images of (width, height) in each class, each of another brightness."""
    for label, name in enumerate(classes):
        (root / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            image = Image.new("L", size, 20 * number + 100 * label).convert(mode)
            image.save(root / name / f"{number:02}.{kind}")
    return root


def decoded(monkeypatch):
    """A list that grows by each image that is decoded."""
    seen = []
    real = folder.decode_bytes

    def watched(path, *rest):
        seen.append(os.path.basename(path))
        return real(path, *rest)

    monkeypatch.setattr(folder, "decode_bytes", watched)
    return seen


def test_every_image_is_as_decode_gives_it(tmp_path):
    paint(tmp_path / "pets")
    dataset = read(tmp_path / "pets")
    assert (dataset.name, dataset.source) == ("pets", str(tmp_path / "pets"))
    assert dataset.classes == ("cat", "dog")
    assert dataset.shape == (7, 9, 3)
    assert dataset.labels.tolist() == [0] * 6 + [1] * 6
    files = [tmp_path / "pets" / name / f"{number:02}.png" for name in dataset.classes for number in range(6)]
    for image, file in zip(dataset.images, files, strict=True):
        assert np.array_equal(image, decode(file, dataset.shape))
    assert dataset.describe() == "12 images 7x9x3, 2 classes: 8 train / 2 validation / 2 test"


def test_given_splits_are_used_as_they_are(tmp_path):
    for part, count in (("train", 6), ("val", 3), ("test", 2)):
        paint(tmp_path / "pets" / part, count)
    dataset = read(tmp_path / "pets", seed=1)
    assert [len(rows) for rows in (dataset.train, dataset.validation, dataset.test)] == [12, 6, 4]
    assert np.array_equal(dataset.test, read(tmp_path / "pets", seed=2).test)


def test_only_validation_is_carved_out_when_test_is_given(tmp_path):
    paint(tmp_path / "pets/train", 10)
    paint(tmp_path / "pets/test", 4)
    dataset = read(tmp_path / "pets")
    assert [len(rows) for rows in (dataset.train, dataset.validation, dataset.test)] == [16, 4, 8]


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("1", 1), ("LA", 1), ("RGB", 3), ("RGBA", 3), ("P", 3)])
def test_channels_follow_the_images(tmp_path, mode, channels):
    paint(tmp_path / "pets", mode=mode)
    assert read(tmp_path / "pets").shape == (7, 9, channels)


def test_one_colour_image_makes_all_colour(tmp_path):
    paint(tmp_path / "pets", mode="L")
    Image.new("RGB", (9, 7), "red").save(tmp_path / "pets/cat/red.png")
    assert read(tmp_path / "pets").shape == (7, 9, 3)


def test_sixteen_bit_images_are_grey_and_scaled(tmp_path):
    for name in ("a", "b"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(4):
            Image.fromarray(np.full((3, 3), 257 * 60 * number, np.uint16)).save(
                tmp_path / "pets" / name / f"{number}.png"
            )
    dataset = read(tmp_path / "pets")
    assert dataset.images[:4, 0, 0].ravel().tolist() == [0, 60, 120, 180]


def test_the_median_of_the_upright_training_images_is_the_shape(tmp_path):
    paint(tmp_path / "pets/train", 4, size=(20, 10))
    paint(tmp_path / "pets/test", 20, size=(50, 50))
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in ("cat", "dog"):
        for number in range(9):
            Image.new("L", (30, 12)).save(tmp_path / "pets/train" / name / f"turned{number}.png", exif=exif)
    assert read(tmp_path / "pets").shape[:2] == (30, 12)


def test_image_size_is_height_and_width_and_another_entry(tmp_path):
    paint(tmp_path / "pets", size=(400, 200))
    for size in (20, 30), (30, 20):
        dataset, lines = read_with_lines(tmp_path / "pets", image_size=size)
        assert dataset.shape == (*size, 3)
        assert lines == []


def test_the_second_load_decodes_nothing(tmp_path, monkeypatch):
    paint(tmp_path / "pets")
    first = read(tmp_path / "pets")
    seen = decoded(monkeypatch)
    monkeypatch.setattr(folder, "read_file", None)  # nor reads a file
    again = read(tmp_path / "pets")
    assert seen == []
    assert (again.digest, again.folder) == (first.digest, first.folder)


def test_its_own_shape_is_not_read_again_when_it_is_requested(tmp_path, monkeypatch):
    paint(tmp_path / "pets", size=(400, 200))
    first = read(tmp_path / "pets")
    monkeypatch.setattr(folder, "read_file", None)
    again, lines = read_with_lines(tmp_path / "pets", image_size=first.shape[:2], channels=first.shape[2])
    assert (again.digest, again.folder) == (first.digest, first.folder)
    assert len(list((tmp_path / "cache/entries").iterdir())) == 1
    assert lines == []  # this size was chosen


def test_a_size_is_chosen_by_the_training_images(tmp_path):
    paint(tmp_path / "pets/train", 10, size=(400, 200), mode="L")
    paint(tmp_path / "pets/test", 3, size=(9, 9), mode="L")
    (tmp_path / "pets/train/cat/00.png").write_bytes(b"")
    seen, lines = [], []
    dataset = read(tmp_path / "pets", choose_size=lambda pictures: seen.append(pictures) or (5, 6), warn=lines.append)
    assert seen == [Pictures(200, 400, 1, images=25, classes=2, smallest=(9, 9), largest=(200, 400))]
    assert dataset.shape == (5, 6, 1)
    assert read(tmp_path / "pets", image_size=(4, 4)).content == dataset.content


@pytest.mark.parametrize(("mode", "channels"), [("L", 3), ("RGB", 1)])
def test_requested_channels(tmp_path, mode, channels):
    paint(tmp_path / "pets", mode=mode)
    dataset = read(tmp_path / "pets", channels=channels)
    assert dataset.shape == (7, 9, channels)
    assert np.array_equal(dataset.images[3], decode(tmp_path / "pets/cat/03.png", dataset.shape))


def test_a_touched_folder_is_read_and_not_decoded(tmp_path, monkeypatch):
    paint(tmp_path / "pets")
    first = read(tmp_path / "pets")
    os.utime(tmp_path / "pets/cat/00.png", (1, 1))
    seen = decoded(monkeypatch)
    assert read(tmp_path / "pets").digest == first.digest
    assert seen == []


def test_a_copied_folder_is_not_decoded(tmp_path, monkeypatch):
    paint(tmp_path / "pets")
    first = read(tmp_path / "pets")
    (tmp_path / "pets").rename(tmp_path / "moved")
    seen = decoded(monkeypatch)
    assert read(tmp_path / "moved").digest == first.digest
    assert seen == []


@pytest.mark.parametrize("change", ["content", "added", "removed", "renamed", "class"])
def test_a_changed_folder_is_noticed(tmp_path, change):
    root = paint(tmp_path / "pets", kind="bmp")
    first = read(root)
    if change == "content":
        size = (root / "cat/00.bmp").stat().st_size
        Image.new("RGB", (9, 7), (0, 0, 99)).save(root / "cat/00.bmp")
        os.utime(root / "cat/00.bmp", (5, 5))
        assert (root / "cat/00.bmp").stat().st_size == size
    elif change == "added":
        (root / "cat/99.bmp").write_bytes((root / "cat/00.bmp").read_bytes())
    elif change == "removed":
        (root / "cat/00.bmp").unlink()
    elif change == "renamed":
        (root / "cat/00.bmp").rename(root / "cat/99.bmp")
    else:
        (root / "cat").rename(root / "lion")
    assert read(root).digest != first.digest


def test_a_damaged_entry_is_decoded_again(tmp_path):
    paint(tmp_path / "pets")
    first = read(tmp_path / "pets")
    os.truncate(first.folder / "images.npy", 200)
    assert read(tmp_path / "pets").digest == first.digest


def cut(path):
    path.write_bytes(path.read_bytes()[:-40])


def test_broken_images_are_left_out_and_named_at_every_load(tmp_path):
    root = paint(tmp_path / "pets", 40, size=(32, 32))
    whole = read(root)
    for number in (3, 5, 7, 9, 11, 13):
        cut(root / "cat" / f"{number:02}.png")
    (root / "dog/01.png").write_bytes(b"")
    for _ in range(2):
        dataset, (line,) = read_with_lines(root)
        assert line.startswith(f"{root}: left out 7 of 80 images that cannot be read: cat/03.png (")
        assert "cat/11.png (" in line
        assert line.endswith(" and 2 more")
        assert "13.png" not in line
        assert len(dataset.images) == 73
        assert dataset.labels.tolist() == [0] * 34 + [1] * 39
        kept = [row for row in range(80) if row not in (3, 5, 7, 9, 11, 13, 41)]
        assert np.array_equal(dataset.images, whole.images[kept])


@pytest.mark.parametrize("content", ["cut", "empty"])
def test_more_than_a_tenth_broken_is_refused(tmp_path, content):
    root = paint(tmp_path / "pets", 10, size=(32, 32))
    for number in range(3):
        path = root / "cat" / f"{number:02}.png"
        cut(path) if content == "cut" else path.write_bytes(b"")
    with pytest.raises(DataError, match=r"pets: 3 of 20 images cannot be read, expected at most 10%; .*cat/00\.png \("):
        read(root)
    assert list(tmp_path.glob("cache/entries/*")) == []


def test_a_class_that_loses_too_many_images_is_named(tmp_path):
    root = paint(tmp_path / "pets", 40, size=(32, 32))
    for number in range(3, 40):
        (root / "dog" / f"{number:02}.png").unlink()
    cut(root / "dog/00.png")
    with pytest.raises(DataError, match=r"class 'dog' has 2 training images; expected at least 3"):
        read(root)


@pytest.mark.parametrize("count", [1, 2])
def test_a_class_too_small_is_refused_before_decoding(tmp_path, monkeypatch, count):
    root = paint(tmp_path / "pets", 10, ("cat",))
    paint(root, count, ("dog",))
    seen = decoded(monkeypatch)
    with pytest.raises(DataError, match=rf"class 'dog' has {count} training images?; expected at least 3"):
        read(root)
    assert seen == []


def test_what_is_no_image_or_too_large_is_left_out_in_one_line(tmp_path, monkeypatch, recwarn, capfd):
    root = paint(tmp_path / "pets", 30)
    (root / "cat/404.png").write_text("<!DOCTYPE html><html><body>404</body></html>")
    monkeypatch.setattr("pipeline.data.decode.MAX_PIXELS", 2_000_000)
    Image.new("L", (2000, 1500)).save(root / "cat/big.png")
    dataset, lines = read_with_lines(root)
    assert len(dataset.images) == 60
    assert lines == [
        f"{root}: left out 2 of 62 images that cannot be read: cat/404.png (not an image), "
        "cat/big.png (it has 3 million pixels, more than 2 million)"
    ]
    assert not recwarn.list
    assert capfd.readouterr() == ("", "")


def test_a_file_that_may_not_be_read_is_left_out_too(tmp_path, monkeypatch):
    root = paint(tmp_path / "pets", 30)
    real = folder.read_file

    def read_file(path):
        if path.endswith("cat/07.png"):
            raise BrokenImageError(path, "cannot be read (Permission denied)")
        return real(path)

    monkeypatch.setattr(folder, "read_file", read_file)
    dataset, lines = read_with_lines(root)
    assert len(dataset.images) == 59
    assert "cat/07.png (cannot be read (Permission denied))" in lines[0]


def test_progress_covers_reading_and_decoding(tmp_path):
    paint(tmp_path / "pets", 50)
    seen = []
    read(tmp_path / "pets", progress=lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert {total for _, total in seen} == {100}
    assert seen[0][0] < 50 < seen[-1][0] == 100
    seen.clear()
    read(tmp_path / "pets", progress=lambda done, total: seen.append((done, total)))
    assert seen == []


def test_an_interrupt_stops_the_decoding_and_leaves_nothing(tmp_path, monkeypatch):
    paint(tmp_path / "pets", 200)
    calls = []
    monkeypatch.setattr(folder, "decode_bytes", lambda *_: calls.append(1) or time.sleep(0.001) or np.zeros((7, 9, 3)))

    def interrupt(done, total):
        if done > total // 2:
            raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        read(tmp_path / "pets", progress=interrupt)
    assert len(calls) < 300
    assert threading.active_count() == before
    assert list(tmp_path.glob("cache/entries/*")) == []


def test_names_that_are_not_text_still_load_and_pickle(tmp_path, monkeypatch):
    root = paint(tmp_path / "pets")
    odd = os.path.join(os.fsencode(root), b"cat", b"odd\xff\n.png")
    with open(odd, "wb") as file:
        file.write((root / "cat/00.png").read_bytes())
    assert len(read(root).images) == 13
    with open(odd, "wb") as file:
        file.write(b"text")
    monkeypatch.setattr(folder, "_MAX_BROKEN_SHARE", 0)
    with pytest.raises(DataError, match=r"odd\\xff\\n\.png \(not an image"):
        read(root)


@pytest.mark.parametrize(("bits", "white"), [(8, 255), (10, 1023), (12, 4095), (14, 16383), (16, 65535)])
def test_deep_images_are_scaled_by_the_range_of_all_of_them(tmp_path, bits, white):
    for label, name in enumerate(("dark", "bright")):
        (tmp_path / "scans" / name).mkdir(parents=True)
        for number in range(4):
            value = (label * 2 + 1) * white // 3 - number * white // 50
            image = Image.fromarray(np.full((3, 3), value, np.uint16))
            image.save(tmp_path / "scans" / name / f"{number}.png")
    dataset, lines = read_with_lines(tmp_path / "scans")
    assert dataset.classes == ("bright", "dark")
    assert dataset.images[:, 0, 0, 0].tolist() == pytest.approx([255, 250, 245, 240, 85, 80, 75, 70], abs=1)
    said = {8: [], 16: ["0..65,535 is scaled"]}.get(bits, [f"up to {white:,}; 0..{white:,} ({bits} bits) is scaled"])
    assert len(lines) == len(said)
    assert all(part in line for part, line in zip(said, lines, strict=True))
    assert dataset.white == (None if bits == 8 else white)
    assert read(tmp_path / "scans", white=65535).images.max() == (255 if bits in (8, 16) else round(white / 257))


def test_images_are_named_by_file(tmp_path):
    root = paint(tmp_path / "pets", 20)
    (root / "cat/00.png").write_bytes(b"")
    dataset = read(root)
    assert [dataset.image_name(row) for row in (0, 19, 38)] == ["cat/01.png", "dog/00.png", "dog/19.png"]


def add(pets):
    Image.new("RGB", (9, 7)).save(pets / "cat/new.png")


def remove(pets):
    (pets / "cat/03.png").unlink()


def repaint(pets):
    Image.new("RGB", (9, 7), "red").save(pets / "cat/03.png")


def swap(pets):
    (pets / "cat/03.png").rename(pets / "dog/33.png")


@pytest.mark.parametrize(
    ("change", "now"), [(add, "13 now;"), (remove, "11 now;"), (repaint, "12 now, and"), (swap, "12 now, and")]
)
def test_a_folder_that_changes_while_it_is_read_is_refused_and_nothing_is_kept(tmp_path, change, now):
    pets = paint(tmp_path / "pets")

    def change_then_choose(pictures):
        """Between the reading and the decoding of the files."""
        change(pets)
        return pictures.height, pictures.width

    with pytest.raises(DataError, match=f"pets: changed while its images were read: 12 images then, {now}"):
        read(pets, choose_size=change_then_choose)
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []
    again = read(pets)
    assert len(again.images) == {add: 13, remove: 11}.get(change, 12)
    for row in range(len(again.images)):
        assert np.array_equal(again.images[row], decode(again.image_file(row), again.shape))
        assert again.image_name(row).startswith(f"{again.classes[again.labels[row]]}/")


def test_a_folder_that_changes_while_it_is_decoded_at_another_size_is_refused(tmp_path):
    pets = paint(tmp_path / "pets")
    kept = read(pets).folder

    def change_then_choose(pictures):
        repaint(pets)
        return 3, 3

    with pytest.raises(DataError, match="changed while its images were read"):
        read(pets, choose_size=change_then_choose)
    assert list((tmp_path / "cache/entries").iterdir()) == [kept]


def test_a_folder_that_changes_back_while_it_is_read_is_not_taken_for_what_it_was(tmp_path):
    """The entry of the other content is there already, and must not be noted for the listing of before."""
    pets = paint(tmp_path / "pets")
    before = (pets / "cat/03.png").read_bytes(), (pets / "cat/03.png").stat().st_mtime_ns
    repaint(pets)
    red = read(pets)
    (pets / "cat/03.png").write_bytes(before[0])
    os.utime(pets / "cat/03.png", ns=(before[1],) * 2)
    real = folder.FolderSource.read_content
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folder.FolderSource, "read_content", lambda source: repaint(pets) or real(source))
        with pytest.raises(DataError, match="changed while its images were read"):
            read(pets)
    (pets / "cat/03.png").write_bytes(before[0])
    os.utime(pets / "cat/03.png", ns=(before[1],) * 2)
    assert read(pets).digest != red.digest
