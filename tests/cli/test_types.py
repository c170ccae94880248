import argparse

import pytest

from pipeline.cli.types import flag_type, whole_number


def test_an_empty_text_is_a_flag_that_was_not_given():
    assert flag_type(float)("") is None
    assert whole_number(1)("") is None
    assert whole_number(0)("0") == 0


@pytest.mark.parametrize(("text", "low"), [("-1", 0), ("0", 1), ("1.5", 0), ("x", 0), ("1e3", 0), (" ", 0)])
def test_what_is_not_a_whole_number(text, low):
    with pytest.raises(argparse.ArgumentTypeError, match=f"^expected a whole number from {low}, got {text!r}$"):
        whole_number(low)(text)


@pytest.mark.parametrize("digits", [41, 5000])
def test_a_number_beyond_all_measure_is_not_repeated(digits):
    with pytest.raises(argparse.ArgumentTypeError, match=f"from 1, got {digits:,} characters"):
        whole_number(1)("9" * digits)


def test_a_whole_number():
    assert whole_number(1)("12") == 12


def test_an_error_says_what_was_expected_and_what_came():
    with pytest.raises(argparse.ArgumentTypeError, match=r"^expected a whole number from 1 to 9, got '10'$"):
        whole_number(1, 9)("10")
    with pytest.raises(argparse.ArgumentTypeError, match=r"^expected a whole number from 1, got 5,000 characters$"):
        whole_number(1)("9" * 5000)
