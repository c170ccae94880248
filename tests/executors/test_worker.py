import mmap

from pipeline.executors.worker import resident_bytes

SIZE = 100 << 20


def test_memory_that_is_the_workers_own_counts():
    before = resident_bytes()
    own = bytearray(b"x" * SIZE)
    assert resident_bytes() - before > 0.9 * SIZE
    del own


def test_a_mapped_dataset_does_not_count(tmp_path):
    path = tmp_path / "images"
    with path.open("wb") as file:
        file.truncate(SIZE)
    before = resident_bytes()
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert not any(mapped[:: mmap.PAGESIZE])
        assert resident_bytes() - before < 0.1 * SIZE
