"""The table of settings, whichever they are."""

from dataclasses import dataclass, fields

import jsonschema
import pytest

from pipeline.job import SETTINGS, Job
from pipeline.job.parsers import parse_text
from pipeline.job.setting import EMPTY, choice, setting, settings_of, whole_number
from pipeline.schema import job_schema


@dataclass(frozen=True)
class Order:
    name: str = setting(help="who eats", metavar="NAME", parse=parse_text, schema={})
    size: str = choice("small", ("small", "large"), help="how much")
    pieces: int = whole_number(0, 0, 8, help="slices", default_text="uncut")
    top: tuple[str, ...] = setting((), key="with", help="on it", metavar="X", parse=parse_text, schema={}, merge=tuple)


ORDER = settings_of(Order)


def test_a_declaration_is_a_field_and_a_setting():
    assert Order("me") == Order("me", "small", 0, ())
    assert list(ORDER) == ["name", "size", "pieces", "with"]
    assert [entry.name for entry in ORDER.values()] == ["name", "size", "pieces", "top"]
    assert [entry.default for entry in ORDER.values()] == [None, "small", 0, ()]
    with pytest.raises(TypeError, match="name"):
        Order()


def test_the_help_of_a_flag_names_its_default_and_whether_it_repeats():
    assert [entry.flag_help for entry in ORDER.values()] == [
        "who eats",
        "how much (default: small)",
        "slices (default: uncut)",
        "on it; repeatable",
    ]


def test_values_of_a_file_are_parsed_and_items_of_a_repeatable_setting_merged():
    assert ORDER["pieces"].read("4") == 4
    assert ORDER["with"].read("ham") == ("ham",)
    assert ORDER["with"].read(["ham", "egg"]) == ("ham", "egg")
    with pytest.raises(ValueError, match="expected a word"):
        ORDER["with"].read(["ham", 3])


def test_values_of_flags_are_parsed_already_and_only_merged():
    assert ORDER["pieces"].combine(4) == 4
    assert ORDER["pieces"].combine(0) == 0
    assert ORDER["with"].combine(["ham", None, "egg"]) == ("ham", "egg")
    assert ORDER["pieces"].combine(None) is ORDER["with"].combine(None) is ORDER["with"].combine([None]) is None


@pytest.mark.parametrize("entry", SETTINGS.values(), ids=SETTINGS)
def test_every_setting_is_described_once_and_its_default_can_be_written_and_read(entry):
    assert entry.help
    assert entry.flag_metavar
    assert entry.json_schema
    assert entry.flag == f"--{entry.key}".replace("_", "-")
    if entry.default not in EMPTY:
        written = entry.dump(entry.default)
        assert entry.read(written) == entry.default
        jsonschema.validate({entry.key: written}, job_schema())


def test_every_field_of_a_job_is_a_setting():
    assert [entry.name for entry in SETTINGS.values()] == [field.name for field in fields(Job)]
