import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from pipeline.data import cache, cache_entry
from pipeline.data.cache_entry import content_of
from pipeline.data.form import Form, Pictures
from pipeline.data.listing import Listing
from pipeline.errors import DataError
from tests.data.damages import DAMAGES


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVTUNE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def small(pictures):
    return Form((pictures.height, pictures.width, 1))


def tiny(pictures):
    return Form((1, 1, 1))


class Counting:
    """A source of six images that counts how often it is read and built."""

    location = cache.cache_key(["here"])

    def __init__(self, listing="listing", content="content", value=7):
        self._listing, self._content, self.value = listing, content, value
        self.hashed = self.built = 0

    def listing(self):
        return Listing("here", 6, cache.cache_key([self._listing]))

    def again(self):
        return self

    def read_content(self):
        self.hashed += 1
        return cache.SourceContent(cache.cache_key([self._content]), Pictures(2, 3, 1, images=6, classes=2))

    def build(self, folder, form):
        self.built += 1
        images = cache_entry.allocate_images(folder, (6, *form.shape), "here")
        images[:] = self.value
        images.flush()
        cache_entry.complete_entry(folder, np.arange(6) % 2, np.zeros(6, np.uint8), ("a", "b"), notes=("a note",))


def open_entry(source, choose_shape=small):
    return cache.open_entry(source, choose_shape)


def test_an_entry_comes_back(root):
    entry = open_entry(Counting())
    assert entry.images.shape == (6, 2, 3, 1)
    assert isinstance(entry.images, np.memmap)
    assert not entry.images.flags.writeable
    assert np.all(entry.images == 7)
    assert entry.labels.tolist() == [0, 1, 0, 1, 0, 1]
    assert (entry.classes, entry.notes) == (("a", "b"), ("a note",))
    assert entry.folder.parent == root / "entries"


def test_the_second_time_nothing_is_read_or_built(root):
    open_entry(Counting())
    again = Counting()
    open_entry(again)
    assert (again.hashed, again.built) == (0, 0)


def test_a_touched_source_is_hashed_and_not_built(root):
    open_entry(Counting())
    touched = Counting(listing="touched")
    open_entry(touched)
    assert (touched.hashed, touched.built) == (1, 0)
    again = Counting(listing="touched")
    open_entry(again)
    assert again.hashed == 0


def test_a_changed_source_is_built(root):
    first = open_entry(Counting())
    changed = open_entry(Counting("changed", "changed", value=8))
    assert np.all(changed.images == 8)
    assert changed.digest != first.digest


def test_the_digest_is_of_the_content_alone(root, monkeypatch, tmp_path):
    digest = open_entry(Counting()).digest
    monkeypatch.setenv("CONVTUNE_CACHE", str(tmp_path / "other"))
    assert open_entry(Counting("x", "y")).digest == digest
    assert len(digest) == 16


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_entry_is_built_again(root, damage):
    damage(open_entry(Counting()).folder)
    repairing = Counting()
    entry = open_entry(repairing)
    assert repairing.built == 1
    assert np.all(entry.images == 7)
    assert [path.name for path in (root / "entries").iterdir()] == [entry.folder.name]


@pytest.mark.parametrize("content", [b"\xff", b"", b"{}", b"[]", b'{"listing": 1, "content": 2, "pictures": 3}'])
def test_a_damaged_listing_is_written_again(root, content):
    open_entry(Counting())
    for file in (root / "listings").iterdir():
        file.write_bytes(content)
    again = Counting()
    open_entry(again)
    assert (again.hashed, again.built) == (1, 0)


def test_another_shape_is_another_entry_and_is_not_read_again(root):
    source = Counting()
    first, other = open_entry(source), open_entry(source, tiny)
    assert [entry.images.shape[1:] for entry in (first, other)] == [(2, 3, 1), (1, 1, 1)]
    assert first.folder != other.folder
    assert content_of(first.folder) == content_of(other.folder)
    again = Counting()
    assert open_entry(again, tiny).folder == other.folder
    assert (source.hashed, source.built, again.hashed, again.built) == (1, 2, 0, 0)


def test_the_shape_is_chosen_by_what_was_read_at_every_load(root):
    seen = []
    for _ in range(2):
        open_entry(Counting(), lambda pictures: seen.append(pictures) or Form((2, 3, 1)))
    assert seen == [Pictures(2, 3, 1, images=6, classes=2)] * 2


def age(entry):
    os.utime(entry.folder, (time.time() - 2 * cache.KEPT_FOR,) * 2)


def test_an_older_content_goes_when_nobody_used_it_for_a_day(root):
    old = open_entry(Counting())
    new = open_entry(Counting("changed", "changed"))
    assert old.folder.exists()  # a study may still open it
    age(old)
    age(new)
    third = open_entry(Counting("again", "again"))
    assert set((root / "entries").iterdir()) == {new.folder, third.folder}  # new was pointed to until now
    assert np.all(old.images == 7)  # what is mapped stays readable


def test_with_an_older_content_its_other_shapes_go_too(root):
    old = open_entry(Counting(), tiny)
    open_entry(Counting("changed", "changed"))
    age(old)
    open_entry(Counting("again", "again"))
    assert not old.folder.exists()


def test_a_listing_of_an_older_format_keeps_nothing(root):
    old = open_entry(Counting())
    (listing,) = (root / "listings").iterdir()
    listing.rename(root / "listings" / "older")
    (root / "listings" / "older").write_text(json.dumps({"listing": "l", "content": content_of(old.folder)}))
    age(old)
    open_entry(Counting("again", "again"))
    assert not old.folder.exists()


def test_an_older_content_in_use_stays(root):
    old = open_entry(Counting())
    open_entry(Counting("changed", "changed"))
    age(old)
    cache_entry.read_entry(old.folder)
    open_entry(Counting("again", "again"))
    assert old.folder.exists()


def test_a_content_that_is_listed_stays_however_old(root):
    old = open_entry(Counting())
    age(old)
    elsewhere = Counting("l", "c")
    elsewhere.location = cache.cache_key(["there"])
    open_entry(elsewhere)
    assert old.folder.exists()


def test_a_build_that_fails_leaves_nothing(root):
    class Failing(Counting):
        def build(self, folder, form):
            super().build(folder, form)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_entry(Failing())
    assert list((root / "entries").iterdir()) == []
    assert open_entry(Counting()).digest


def test_what_a_killed_process_left_is_swept_after_a_day(root):
    for name, age in ((".old", 2 * cache.KEPT_FOR), (".new", 0)):
        left = root / "entries" / name
        left.mkdir(parents=True)
        os.utime(left, (time.time() - age,) * 2)
    open_entry(Counting())
    assert not (root / "entries/.old").exists()
    assert (root / "entries/.new").exists()


def test_another_process_may_be_first_and_its_entry_stays(root):
    first = []

    class Slow(Counting):
        def build(self, folder, form):
            first.append(open_entry(Counting()).folder.stat().st_ino)  # somebody else, meanwhile
            super().build(folder, form)

    entry = open_entry(Slow())
    assert np.all(entry.images == 7)
    assert first == [entry.folder.stat().st_ino]
    assert len(list((root / "entries").iterdir())) == 1


PROCESS = """
import sys
import numpy as np
from pipeline.data import cache, cache_entry
from pipeline.data.cache_entry import content_of
from pipeline.data.form import Form, Pictures
from pipeline.data.listing import Listing

class Source:
    location = cache.cache_key(["here"])
    def listing(self):
        return Listing("here", 500, cache.cache_key(["l"]))
    def again(self):
        return self
    def read_content(self):
        return cache.SourceContent(cache.cache_key(["c"]), Pictures(8, 8, 1, 500, 2))
    def build(self, folder, form):
        images = cache_entry.allocate_images(folder, (500, *form.shape), "here")
        images[:] = 3
        images.flush()
        cache_entry.complete_entry(folder, np.arange(500) % 2, np.zeros(500, np.uint8), ("a", "b"))

print("ready", flush=True)
sys.stdin.readline()
assert np.all(cache.open_entry(Source(), lambda pictures: Form((8, 8, 1))).images == 3)
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
        open_entry(Counting())


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
