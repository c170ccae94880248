import os

import pytest

from pipeline.errors import SpaceError, error_at, nearest_or_all, printable


def test_what_a_file_system_let_into_a_name_does_not_break_the_line():
    assert printable(os.fsdecode(b"a\nb\xff\x1b[31m.png")) == r"a\nb\xff\x1b[31m.png"
    assert printable("Grün/猫.png") == "Grün/猫.png"


def test_names_that_are_not_utf_8_stay_different():
    assert [printable(os.fsdecode(name)) for name in (b"\xce\xd2", b"\xc4\xe3")] == [r"\xce\xd2", r"\xc4\xe3"]


def test_what_is_not_text_is_shown_as_text():
    assert printable(ValueError("two\nlines")) == r"two\nlines"


def test_where_it_happened_is_put_in_front_of_a_space_error():
    with pytest.raises(SpaceError, match=r"^file: key: wrong$"), error_at("file"), error_at("key"):
        raise SpaceError("wrong")


def test_the_candidates_are_named_when_none_is_near():
    assert nearest_or_all("grod", ["grid", "plain"]) == ", did you mean 'grid'?"
    assert nearest_or_all("xxxx", iter(["grid", "plain"])) == "; there are grid, plain"
