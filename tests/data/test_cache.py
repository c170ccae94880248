import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from pipeline.data import cache, cache_entry
from pipeline.data.requested_shape import RequestedShape
from pipeline.errors import DataError
from tests.data.damages import DAMAGES


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVTUNE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


NO_REQUEST = RequestedShape()


class Counting:
    """A source of six images that counts how often it is read and built."""

    location = cache.cache_key(["here"])
    shape = (2, 3, 1)

    def __init__(self, listing="listing", content="content", value=7, requested=NO_REQUEST, notes=()):
        self._listing, self._content, self.value = listing, content, value
        self.requested, self.notes = requested, notes
        self.hashed = self.built = 0

    def listing_key(self):
        return cache.cache_key([self._listing])

    def read_content(self):
        self.hashed += 1
        return cache.SourceContent(cache.cache_key([self._content]), self.shape, self.notes)

    def build(self, folder):
        self.built += 1
        images = cache_entry.allocate_images(folder, (6, 2, 3, 1), "here")
        images[:] = self.value
        images.flush()
        cache_entry.complete_entry(folder, np.arange(6) % 2, np.zeros(6, np.uint8), ("a", "b"), ("a note",))


def test_an_entry_comes_back(root):
    entry = cache.open_entry(Counting())
    assert entry.images.shape == (6, 2, 3, 1)
    assert isinstance(entry.images, np.memmap)
    assert not entry.images.flags.writeable
    assert np.all(entry.images == 7)
    assert entry.labels.tolist() == [0, 1, 0, 1, 0, 1]
    assert (entry.classes, entry.notes) == (("a", "b"), ("a note",))
    assert entry.folder.parent == root / "entries"


def test_the_second_time_nothing_is_read_or_built(root):
    cache.open_entry(Counting())
    again = Counting()
    cache.open_entry(again)
    assert (again.hashed, again.built) == (0, 0)


def test_a_touched_source_is_hashed_and_not_built(root):
    cache.open_entry(Counting())
    touched = Counting(listing="touched")
    cache.open_entry(touched)
    assert (touched.hashed, touched.built) == (1, 0)
    again = Counting(listing="touched")
    cache.open_entry(again)
    assert again.hashed == 0


def test_a_changed_source_is_built(root):
    first = cache.open_entry(Counting())
    changed = cache.open_entry(Counting("changed", "changed", value=8))
    assert np.all(changed.images == 8)
    assert changed.digest != first.digest


def test_the_digest_is_of_the_content_alone(root, monkeypatch, tmp_path):
    digest = cache.open_entry(Counting()).digest
    monkeypatch.setenv("CONVTUNE_CACHE", str(tmp_path / "other"))
    assert cache.open_entry(Counting("x", "y")).digest == digest
    assert len(digest) == 16


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_entry_is_built_again(root, damage):
    damage(cache.open_entry(Counting()).folder)
    repairing = Counting()
    entry = cache.open_entry(repairing)
    assert repairing.built == 1
    assert np.all(entry.images == 7)
    assert [path.name for path in (root / "entries").iterdir()] == [entry.folder.name]


@pytest.mark.parametrize("content", [b"\xff", b"", b"{}", b"[]", b'{"listing": 1, "content": 2, "notes": 3}'])
def test_a_damaged_listing_is_written_again(root, content):
    cache.open_entry(Counting())
    for file in (root / "listings").iterdir():
        file.write_bytes(content)
    again = Counting()
    cache.open_entry(again)
    assert (again.hashed, again.built) == (1, 0)


def test_the_shape_that_follows_from_no_request_is_found_when_it_is_requested(root):
    first = cache.open_entry(Counting())
    exact = Counting(requested=RequestedShape((2, 3), 1))
    assert cache.open_entry(exact).folder == first.folder
    assert (exact.hashed, exact.built) == (0, 0)
    halfway = Counting(requested=RequestedShape((2, 3)))
    assert cache.open_entry(halfway).folder == first.folder
    assert (halfway.hashed, halfway.built) == (1, 0)


def test_notes_about_the_shape_belong_to_the_request(root):
    chosen, exact = Counting(notes=("scaled down",)), Counting(requested=RequestedShape((2, 3), 1))
    assert [cache.open_entry(source).notes for source in (chosen, exact, chosen, exact)] == [
        ("scaled down", "a note"),
        ("a note",),
        ("scaled down", "a note"),
        ("a note",),
    ]


def age(entry):
    os.utime(entry.folder, (time.time() - 2 * cache.KEPT_FOR,) * 2)


def test_an_older_content_goes_when_nobody_used_it_for_a_day(root):
    old, exact = cache.open_entry(Counting()), cache.open_entry(Counting(requested=RequestedShape((2, 3), 1)))
    assert old.folder == exact.folder
    new = cache.open_entry(Counting("changed", "changed"))
    assert old.folder.exists()  # a study may still open it
    age(old)
    age(new)
    third = cache.open_entry(Counting("again", "again"))
    assert set((root / "entries").iterdir()) == {new.folder, third.folder}  # new was pointed to until now
    assert np.all(old.images == 7)  # what is mapped stays readable


def test_with_a_new_listing_the_older_ones_of_other_shapes_go_too(root):
    small = Counting(content="small", requested=RequestedShape((1, 1), 1))
    small.shape = (1, 1, 1)
    old = cache.open_entry(small)
    cache.open_entry(Counting())
    cache.open_entry(Counting("changed", "changed"))
    age(old)
    cache.open_entry(Counting("again", "again"))
    assert not old.folder.exists()


def test_an_older_content_in_use_stays(root):
    old = cache.open_entry(Counting())
    cache.open_entry(Counting("changed", "changed"))
    age(old)
    cache_entry.read_entry(old.folder)
    cache.open_entry(Counting("again", "again"))
    assert old.folder.exists()


def test_a_content_that_is_listed_stays_however_old(root):
    old = cache.open_entry(Counting())
    age(old)
    elsewhere = Counting("l", "c")
    elsewhere.location = cache.cache_key(["there"])
    cache.open_entry(elsewhere)
    assert old.folder.exists()


def test_a_build_that_fails_leaves_nothing(root):
    class Failing(Counting):
        def build(self, folder):
            super().build(folder)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.open_entry(Failing())
    assert list((root / "entries").iterdir()) == []
    assert cache.open_entry(Counting()).digest


def test_what_a_killed_process_left_is_swept_after_a_day(root):
    for name, age in ((".old", 2 * cache.KEPT_FOR), (".new", 0)):
        left = root / "entries" / name
        left.mkdir(parents=True)
        os.utime(left, (time.time() - age,) * 2)
    cache.open_entry(Counting())
    assert not (root / "entries/.old").exists()
    assert (root / "entries/.new").exists()


def test_another_process_may_be_first_and_its_entry_stays(root):
    first = []

    class Slow(Counting):
        def build(self, folder):
            first.append(cache.open_entry(Counting()).folder.stat().st_ino)  # somebody else, meanwhile
            super().build(folder)

    entry = cache.open_entry(Slow())
    assert np.all(entry.images == 7)
    assert first == [entry.folder.stat().st_ino]
    assert len(list((root / "entries").iterdir())) == 1


PROCESS = """
import sys
import numpy as np
from pipeline.data import cache, cache_entry
from pipeline.data.requested_shape import RequestedShape

class Source:
    location, requested = cache.cache_key(["here"]), RequestedShape()
    def listing_key(self):
        return cache.cache_key(["l"])
    def read_content(self):
        return cache.SourceContent(cache.cache_key(["c"]), (8, 8, 1))
    def build(self, folder):
        images = cache_entry.allocate_images(folder, (500, 8, 8, 1), "here")
        images[:] = 3
        images.flush()
        cache_entry.complete_entry(folder, np.arange(500) % 2, np.zeros(500, np.uint8), ("a", "b"))

print("ready", flush=True)
sys.stdin.readline()
assert np.all(cache.open_entry(Source()).images == 3)
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


def test_a_cache_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CONVTUNE_CACHE", str(tmp_path / "file/cache"))
    with pytest.raises(DataError, match=r"file/cache: the cache cannot be written \(.+\); set CONVTUNE_CACHE"):
        cache.open_entry(Counting())


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
    assert cache.cache_root() == Path(expected)
