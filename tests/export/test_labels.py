"""The names of the classes beside a model."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.export.labels import LABELS, as_line, write_labels


@pytest.mark.parametrize(
    "names", [("cat", "dog"), ("a b", " c ", "é"), ("two\nlines", "tab\t", "\u2028"), ("\udcff", "\udcfe")]
)
def test_one_line_for_each_output(tmp_path, names):
    assert write_labels(tmp_path, names) == tmp_path / LABELS
    text = (tmp_path / LABELS).read_text(encoding="utf-8")
    lines = text.splitlines()
    assert len(lines) == len(set(lines)) == len(names)
    assert lines == [as_line(name) for name in names]
    assert text.endswith("\n")


@given(st.text(st.characters()))
def test_any_name_fits_on_a_line_and_common_ones_stay(name):
    line = as_line(name)
    assert line.encode() is not None
    assert line.splitlines() in ([line], [])
    assert line == name or not name.isprintable()
