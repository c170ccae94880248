"""What several commands need first."""

import re

import numpy as np
import pytest

from pipeline.errors import DataError, JobError
from pipeline.loading import announce, load_data, whole


def test_a_dataset_of_the_wanted_size_and_seed():
    data = load_data("digits", (6, 5), 4)
    assert data.shape == (6, 5, 1)
    assert not np.array_equal(data.test, load_data("digits", (6, 5), 5).test)


def test_what_was_read_is_one_line_on_stderr(capsys):
    announce(load_data("digits", None, 0))
    assert capsys.readouterr() == (
        "",
        "digits: 1,797 images 8x8x1, 10 classes: 1,259 train / 269 validation / 269 test\n",
    )


@pytest.mark.parametrize("quiet", [False, True])
def test_warnings_go_to_stderr(tmp_path, capsys, quiet):
    from PIL import Image

    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(12):
            Image.new("L", (4, 4), number).save(tmp_path / name / f"{number}.png")
    whole_file = (tmp_path / "a" / "0.png").read_bytes()
    (tmp_path / "a" / "cut.png").write_bytes(whole_file[:40])
    load_data(str(tmp_path), None, 0, quiet=quiet)
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    assert said.err.startswith("warning: ")
    assert "cut.png" in said.err


def test_an_unknown_dataset():
    with pytest.raises(DataError, match="digit"):
        load_data("digit", None, 0)


@pytest.mark.parametrize(("text", "low"), [("", 0), ("-1", 0), ("0", 1), ("1.5", 0), ("x", 0), ("1e3", 0)])
def test_what_is_no_whole_number(text, low):
    with pytest.raises(JobError, match=f"--top: expected a whole number from {low}, got {text!r}"):
        whole("--top", text, low)


@pytest.mark.parametrize("digits", [41, 5000])
def test_a_number_beyond_all_measure_is_not_repeated(digits):
    with pytest.raises(JobError, match=re.escape(f"from 1, got {digits:,} characters")):
        whole("--top", "9" * digits, 1)


def test_a_whole_number():
    assert whole("--top", "12", 1) == 12
