"""Numbers with units."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.quantity import BYTES, COUNT, MILLISECONDS, NUMBER, SECONDS, format_bytes, format_count, parse_quantity

FORMATS = {
    "count": (format_count, COUNT, st.integers(0, 10**15), 0.05),
    "bytes": (format_bytes, BYTES, st.integers(0, 10**14), 0.005),
    "exact": ("{:,}".format, COUNT, st.integers(0, 10**18), 0),
    "score": ("{:.4f}".format, NUMBER, st.floats(0.001, 100), 0.05),
    "seconds": ("{:,.1f}".format, SECONDS, st.floats(1, 10**6), 0.05),
    "duration": ("{:.1f} s".format, SECONDS, st.floats(1, 10**6), 0.05),
    "latency": ("{:.3g} ms".format, MILLISECONDS, st.floats(1e-4, 1e7), 0.005),
    "param": ("{:.3g}".format, NUMBER, st.floats(1e-9, 1e9), 0.005),
}


@pytest.mark.parametrize("name", FORMATS)
@given(st.data())
def test_what_is_printed_can_be_read(name, data):
    form, units, numbers, tolerance = FORMATS[name]
    number = data.draw(numbers)
    printed = form(number)
    assert parse_quantity(printed, units) == pytest.approx(number, rel=tolerance, abs=1e-300)
    assert form(parse_quantity(printed, units)) == printed


@pytest.mark.parametrize(
    ("text", "units", "value"),
    [
        ("1M", COUNT, 10**6),
        ("1 m", COUNT, 10**6),
        ("100k", COUNT, 10**5),
        ("100K", COUNT, 10**5),
        ("4.35 k", COUNT, 4350),
        ("1_000", COUNT, 1000),
        (" 2gb ", BYTES, 2 * 10**9),
        ("2 GiB", BYTES, 2**31),
        ("2m", SECONDS, 120),
        ("1.5 h", SECONDS, 5400),
        ("2 s", MILLISECONDS, 2000),
        ("1e-2", NUMBER, 0.01),
        ("-3", NUMBER, -3),
        ("5.", NUMBER, 5),
    ],
)
def test_what_people_write(text, units, value):
    number = parse_quantity(text, units)
    assert (number, type(number)) == (value, type(value))


@pytest.mark.parametrize(
    "text", ["", "x", "1 x", "1,00", "1,0000", ",100", "k", "1 k k", "nan", "inf", "1e999", "1" * 50, "٣ k!", "--1"]
)
def test_what_is_no_number(text):
    with pytest.raises(ValueError, match=r"^expected a number, or one with k, M, G or T$"):
        parse_quantity(text, COUNT)
    assert math.isfinite(parse_quantity("9" * 20))


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (950, "950"),
        (999, "999"),
        (1000, "1.0 k"),
        (2_100_000, "2.1 M"),
        (999_949, "999.9 k"),
        (999_950, "1.0 M"),
        (10**9, "1.0 G"),
        (10**13, "10.0 T"),
        (10**16, "10,000.0 T"),
    ],
)
def test_count(number, text):
    assert format_count(number) == text
