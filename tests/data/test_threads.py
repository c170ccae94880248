import threading
import time

import pytest

from pipeline.data.threads import map_in_threads


def ignore(done):
    pass


def test_results_come_in_the_order_of_the_items():
    def work(item):
        time.sleep(0.001 * (item % 3))
        return item * item

    assert map_in_threads(work, range(100), ignore) == [item * item for item in range(100)]


def test_progress_rises_to_the_number_of_items():
    done = []
    map_in_threads(str, range(50), done.append)
    assert done == sorted(done)
    assert done[-1] == 50


def test_no_items_give_no_results_and_no_progress():
    assert map_in_threads(str, [], lambda done: pytest.fail("progress")) == []


@pytest.mark.parametrize("where", ["work", "progress"])
def test_an_exception_cancels_what_has_not_begun(where):
    calls = []

    def work(item):
        calls.append(item)
        time.sleep(0.001)
        if where == "work" and item == 20:
            raise KeyboardInterrupt

    def progress(done):
        if where == "progress":
            raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        map_in_threads(work, range(2000), progress)
    assert len(calls) < 1000
    assert threading.active_count() == before
