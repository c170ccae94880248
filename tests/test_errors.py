import os

import pytest

from pipeline.errors import SpaceError, error_at, nearest_or_all, printable


def test_what_a_file_system_let_into_a_name_does_not_break_the_line():
    assert printable(os.fsdecode(b"a\nb\xff\x1b[31m.png")) == "a?b??[31m.png"
    assert printable("Grün/猫.png") == "Grün/猫.png"


def test_what_is_not_text_is_shown_as_text():
    assert printable(ValueError("two\nlines")) == "two?lines"


def test_where_it_happened_is_put_in_front_of_a_space_error():
    with pytest.raises(SpaceError, match=r"^file: key: wrong$"), error_at("file"), error_at("key"):
        raise SpaceError("wrong")


def test_the_candidates_are_named_when_none_is_near():
    assert nearest_or_all("grod", ["grid", "plain"]) == ", did you mean 'grid'?"
    assert nearest_or_all("xxxx", iter(["grid", "plain"])) == "; there are grid, plain"
