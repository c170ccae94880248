import gc
from gc import get_freeze_count  # imported before the session of tests replaces it

import pytest

from pipeline.garbage import no_collections, short_collections


@pytest.fixture(autouse=True)
def collector(monkeypatch):
    """The collector as a test finds it: nothing is frozen before, and nothing of the test after."""
    monkeypatch.setattr(gc, "get_freeze_count", get_freeze_count)
    gc.unfreeze()
    yield
    gc.unfreeze()


def test_what_was_there_is_not_looked_at_within_the_block_and_is_again_after_it():
    before = [[]]
    with short_collections():
        assert not any(known is before for known in gc.get_objects())
        fresh = [[]]
        assert any(known is fresh for known in gc.get_objects())
    assert any(known is before for known in gc.get_objects())


def test_it_ends_with_an_error_too():
    with pytest.raises(KeyError), short_collections():
        raise KeyError
    assert not gc.get_freeze_count()


def test_where_another_has_frozen_something_it_freezes_nothing_that_would_stay_so():
    gc.freeze()
    before = [[]]
    with short_collections():
        assert any(known is before for known in gc.get_objects())
    assert gc.get_freeze_count()
    assert any(known is before for known in gc.get_objects())


@pytest.mark.parametrize("before", [True, False])
def test_nothing_is_collected_within_the_block_and_what_it_leaves_is_old_at_once(before):
    (gc.enable if before else gc.disable)()
    try:
        with no_collections():
            within, fresh = gc.isenabled(), [[]]
        assert (within, gc.isenabled()) == (False, before)
        assert any(known is fresh for known in gc.get_objects(generation=2)), "it is old at once"
        assert not gc.get_freeze_count()
    finally:
        gc.enable()
