import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from pipeline.data import cache
from pipeline.data.wanted import Wanted
from pipeline.errors import DataError


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVTUNE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


class Counting:
    """A source of six images that counts how often it is asked."""

    place = cache.key(["here"])
    shape = (2, 3, 1)
    asked = Wanted()

    def __init__(self, listing="listing", content="content", value=7, wanted=asked, notes=()):
        self._listing, self._content, self.value = listing, content, value
        self.wanted, self.notes = wanted, notes
        self.hashed = self.built = 0

    def listing(self):
        return cache.key([self._listing])

    def content(self):
        self.hashed += 1
        return cache.Content(cache.key([self._content]), self.shape, self.notes)

    def build(self, folder):
        self.built += 1
        images = cache.allocate(folder, (6, 2, 3, 1), "here")
        images[:] = self.value
        images.flush()
        cache.seal(folder, np.arange(6) % 2, np.zeros(6, np.uint8), ("a", "b"), ("a note",))


def test_an_entry_comes_back(root):
    entry = cache.get(Counting())
    assert entry.images.shape == (6, 2, 3, 1)
    assert isinstance(entry.images, np.memmap)
    assert not entry.images.flags.writeable
    assert np.all(entry.images == 7)
    assert entry.labels.tolist() == [0, 1, 0, 1, 0, 1]
    assert (entry.classes, entry.notes) == (("a", "b"), ("a note",))
    assert entry.folder.parent == root / "entries"


def test_the_second_time_nothing_is_read_or_built(root):
    cache.get(Counting())
    again = Counting()
    cache.get(again)
    assert (again.hashed, again.built) == (0, 0)


def test_a_touched_source_is_hashed_and_not_built(root):
    cache.get(Counting())
    touched = Counting(listing="touched")
    cache.get(touched)
    assert (touched.hashed, touched.built) == (1, 0)
    again = Counting(listing="touched")
    cache.get(again)
    assert again.hashed == 0


def test_a_changed_source_is_built(root):
    first = cache.get(Counting())
    changed = cache.get(Counting("changed", "changed", value=8))
    assert np.all(changed.images == 8)
    assert changed.digest != first.digest


def test_the_digest_is_of_the_content_alone(root, monkeypatch, tmp_path):
    digest = cache.get(Counting()).digest
    monkeypatch.setenv("CONVTUNE_CACHE", str(tmp_path / "other"))
    assert cache.get(Counting("x", "y")).digest == digest
    assert len(digest) == 16


def harm_truncated(folder):
    os.truncate(folder / "images.npy", 130)


def harm_emptied(folder):
    (folder / "labels.npy").write_bytes(b"")


def harm_missing(folder):
    (folder / "meta.json").unlink()


def harm_garbage(folder):
    (folder / "meta.json").write_text("{not json")


def harm_keys(folder):
    (folder / "meta.json").write_text("{}")


def harm_list(folder):
    (folder / "meta.json").write_text("[]")


def harm_short(folder):
    np.save(folder / "labels.npy", np.zeros(3, np.int64))


def harm_pickled(folder):
    np.save(folder / "splits.npy", np.array([{}] * 6, dtype=object), allow_pickle=True)


HARMS = [harm_truncated, harm_emptied, harm_missing, harm_garbage, harm_keys, harm_list, harm_short, harm_pickled]


@pytest.mark.parametrize("harm", HARMS)
def test_a_damaged_entry_is_built_again(root, harm):
    harm(cache.get(Counting()).folder)
    repairing = Counting()
    entry = cache.get(repairing)
    assert repairing.built == 1
    assert np.all(entry.images == 7)
    assert [path.name for path in (root / "entries").iterdir()] == [entry.folder.name]


@pytest.mark.parametrize("harm", [b"\xff", b"", b"{}", b"[]", b'{"listing": 1, "content": 2, "notes": 3}'])
def test_a_damaged_pointer_is_written_again(root, harm):
    cache.get(Counting())
    for pointer in (root / "listings").iterdir():
        pointer.write_bytes(harm)
    again = Counting()
    cache.get(again)
    assert (again.hashed, again.built) == (1, 0)


def test_the_shape_that_came_of_no_wish_is_found_when_it_is_asked_for(root):
    first = cache.get(Counting())
    exact = Counting(wanted=Wanted((2, 3), 1))
    assert cache.get(exact).folder == first.folder
    assert (exact.hashed, exact.built) == (0, 0)
    halfway = Counting(wanted=Wanted((2, 3)))
    assert cache.get(halfway).folder == first.folder
    assert (halfway.hashed, halfway.built) == (1, 0)


def test_notes_about_the_shape_belong_to_what_was_asked_for(root):
    chosen, exact = Counting(notes=("scaled down",)), Counting(wanted=Wanted((2, 3), 1))
    assert [cache.get(source).notes for source in (chosen, exact, chosen, exact)] == [
        ("scaled down", "a note"),
        ("a note",),
        ("scaled down", "a note"),
        ("a note",),
    ]


def age(entry):
    os.utime(entry.folder, (time.time() - 2 * cache.DAY,) * 2)


def test_an_older_content_goes_when_nobody_used_it_for_a_day(root):
    old, exact = cache.get(Counting()), cache.get(Counting(wanted=Wanted((2, 3), 1)))
    assert old.folder == exact.folder
    new = cache.get(Counting("changed", "changed"))
    assert old.folder.exists()  # a study may still open it
    age(old)
    age(new)
    third = cache.get(Counting("again", "again"))
    assert set((root / "entries").iterdir()) == {new.folder, third.folder}  # new was pointed to until now
    assert np.all(old.images == 7)  # what is mapped stays readable


def test_with_a_new_listing_the_older_ones_of_other_shapes_go_too(root):
    small = Counting(content="small", wanted=Wanted((1, 1), 1))
    small.shape = (1, 1, 1)
    old = cache.get(small)
    cache.get(Counting())
    cache.get(Counting("changed", "changed"))
    age(old)
    cache.get(Counting("again", "again"))
    assert not old.folder.exists()


def test_an_older_content_in_use_stays(root):
    old = cache.get(Counting())
    cache.get(Counting("changed", "changed"))
    age(old)
    cache.read(old.folder)
    cache.get(Counting("again", "again"))
    assert old.folder.exists()


def test_a_content_that_is_listed_stays_however_old(root):
    old = cache.get(Counting())
    age(old)
    elsewhere = Counting("l", "c")
    elsewhere.place = cache.key(["there"])
    cache.get(elsewhere)
    assert old.folder.exists()


def test_a_build_that_fails_leaves_nothing(root):
    class Failing(Counting):
        def build(self, folder):
            super().build(folder)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.get(Failing())
    assert list((root / "entries").iterdir()) == []
    assert cache.get(Counting()).digest


def test_what_a_killed_process_left_is_swept_after_a_day(root):
    for name, age in ((".old", 2 * cache.DAY), (".new", 0)):
        left = root / "entries" / name
        left.mkdir(parents=True)
        os.utime(left, (time.time() - age,) * 2)
    cache.get(Counting())
    assert not (root / "entries/.old").exists()
    assert (root / "entries/.new").exists()


def test_another_process_may_be_first_and_its_entry_stays(root):
    first = []

    class Slow(Counting):
        def build(self, folder):
            first.append(cache.get(Counting()).folder.stat().st_ino)  # somebody else, meanwhile
            super().build(folder)

    entry = cache.get(Slow())
    assert np.all(entry.images == 7)
    assert first == [entry.folder.stat().st_ino]
    assert len(list((root / "entries").iterdir())) == 1


PROCESS = """
import sys
import numpy as np
from pipeline.data import cache
from pipeline.data.wanted import Wanted

class Source:
    place, wanted = cache.key(["here"]), Wanted()
    def listing(self):
        return cache.key(["l"])
    def content(self):
        return cache.Content(cache.key(["c"]), (8, 8, 1))
    def build(self, folder):
        images = cache.allocate(folder, (500, 8, 8, 1), "here")
        images[:] = 3
        images.flush()
        cache.seal(folder, np.arange(500) % 2, np.zeros(500, np.uint8), ("a", "b"))

print("ready", flush=True)
sys.stdin.readline()
assert np.all(cache.get(Source()).images == 3)
"""


def test_processes_at_once(root):
    command = [sys.executable, "-c", PROCESS]
    here = Path(__file__).parents[2]
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=here, text=True) for _ in range(3)
    ]
    for process in running:
        assert process.stdout.readline() == "ready\n"
    for process in running:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in running:
        process.communicate()
        assert process.returncode == 0
    assert len(list((root / "entries").iterdir())) == 1


def test_no_room_on_the_disk_is_said_before_anything_is_written(root, tmp_path):
    with pytest.raises(DataError, match=r"^here: its images take 1,000,000\.0 GB decoded .*; choose a smaller"):
        cache.allocate(tmp_path, (10**6, 10**6, 1000, 1), "here")
    assert list(tmp_path.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CONVTUNE_CACHE", str(tmp_path / "file/cache"))
    with pytest.raises(DataError, match=r"file/cache: the cache cannot be written \(.+\); set CONVTUNE_CACHE"):
        cache.get(Counting())


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"CONVTUNE_CACHE": "/a", "XDG_CACHE_HOME": "/b"}, "/a"),
        ({"XDG_CACHE_HOME": "/b"}, "/b/convtune"),
        ({"HOME": "/c"}, "/c/.cache/convtune"),
        ({"CONVTUNE_CACHE": "", "XDG_CACHE_HOME": "", "HOME": "/c"}, "/c/.cache/convtune"),
        ({"CONVTUNE_CACHE": "~/d", "HOME": "/c"}, "/c/d"),
    ],
)
def test_where_the_cache_is(monkeypatch, variables, expected):
    for name in ("CONVTUNE_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cache.root() == Path(expected)


def test_keep_shortens_the_images(tmp_path):
    images = cache.allocate(tmp_path, (5, 1, 1, 1), "here")
    images[:, 0, 0, 0] = range(5)
    images.flush()
    cache.keep(tmp_path, np.array([0, 3, 4]))
    assert np.load(tmp_path / "images.npy").ravel().tolist() == [0, 3, 4]
    assert [path.name for path in tmp_path.iterdir()] == ["images.npy"]


def test_meta_is_for_people(root):
    meta = json.loads((cache.get(Counting()).folder / "meta.json").read_text())
    assert meta["classes"] == ["a", "b"]
    assert meta["shape"] == [6, 2, 3, 1]
