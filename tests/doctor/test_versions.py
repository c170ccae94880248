"""Versions of Python and packages."""

import tomllib
from importlib import metadata
from pathlib import Path

import packaging.requirements
import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from pipeline.doctor.finding import Level
from pipeline.doctor.versions import check_packages, check_python, is_within, parse_requirement

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
LINES = [*PROJECT["dependencies"], *(line for lines in PROJECT["optional-dependencies"].values() for line in lines)]

releases = st.lists(st.integers(0, 30), min_size=1, max_size=4).map(lambda parts: ".".join(map(str, parts)))


@given(releases, releases, releases)
def test_bounds_are_those_of_pep_440(version, low, high):
    bounds = f"<{high},>={low}"
    assert is_within(version, bounds) == SpecifierSet(bounds).contains(version)


@pytest.mark.parametrize("line", LINES)
def test_every_line_of_the_project_is_understood(line):
    """All bounds are of the two kinds that are compared."""
    ours, theirs = parse_requirement(line), packaging.requirements.Requirement(line)
    assert (ours.name, SpecifierSet(ours.versions)) == (theirs.name, theirs.specifier)
    assert {one.operator for one in theirs.specifier} <= {">=", "<"}
    assert packaging.requirements.Requirement(str(ours)) == theirs


@pytest.fixture
def declared(monkeypatch):
    """Makes the metadata of convtune declare these lines."""

    def declare(*lines):
        monkeypatch.setattr(metadata, "requires", lambda name: list(lines))
        return [(finding.level, str(finding)) for finding in check_packages()]

    return declare


def test_what_is_missing_or_has_another_version(declared):
    here = metadata.version("numpy")
    assert declared("numpy>=1", "no-such-one>=1; extra == 'gpu'")[0][0] is Level.OK
    assert declared("numpy>=1", "no-such-one>=1") == [
        (Level.PROBLEM, "no-such-one is not installed; run `pip install 'no-such-one>=1'`")
    ]
    wrong = f"numpy {here}, expected >=99"
    assert declared("numpy>=99") == [(Level.PROBLEM, f"{wrong}; run `pip install 'numpy>=99'`")]
    [(level, text)] = declared("numpy>=99; extra == 'onnx'")
    assert (level, text) == (Level.NOTE, f"{wrong} for the extra onnx; run `pip install 'numpy>=99'`")


def test_a_checkout_that_is_not_installed(monkeypatch):
    def unknown(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", unknown)
    monkeypatch.setattr(metadata, "metadata", unknown)
    assert check_packages()[0].level is Level.NOTE
    assert check_python()[0].level is Level.OK


def test_another_python(monkeypatch):
    monkeypatch.setattr("platform.python_version", lambda: "3.10.4")
    monkeypatch.setattr(metadata, "metadata", lambda name: {"Requires-Python": ">=3.11"})
    [finding] = check_python()
    assert (finding.level, finding.fact) == (Level.PROBLEM, "3.10.4, expected >=3.11")
