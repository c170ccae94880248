import math
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import JobError, SpaceError
from pipeline.yaml_file import MAX_BYTES, dump, parse_scalar, read_mapping


@pytest.fixture
def file(tmp_path):
    def write(content: str | bytes) -> Path:
        path = tmp_path / "settings.yaml"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("1.5e+3", 1500.0),
        ("5_000_000", 5_000_000),
        ("5e6", 5e6),
        ("1_0.5", 10.5),
        (".5", 0.5),
        ("-3", -3),
        ("007", 7),
        ("0x1F", 31),
        ("0o17", 15),
        (".inf", math.inf),
        ("true", True),
        ("False", False),
        ("yes", "yes"),
        ("off", "off"),
        ("none", "none"),
        ("2024-01-01", "2024-01-01"),
        ("12:30", "12:30"),
        ("64x48", "64x48"),
        ("'1'", "1"),
        ("~", None),
        ("", None),
        ("[1, a]", [1, "a"]),
    ],
)
def test_scalars_are_those_of_yaml_1_2(file, text, value):
    read = read_mapping(file(f"key: {text}\n"), SpaceError)["key"]
    assert read == value
    assert type(read) is type(value)


def test_an_alias_stands_for_its_anchor(file):
    assert read_mapping(file("a: &x {b: [1, 2]}\nc: *x\n"), SpaceError) == {"a": {"b": [1, 2]}, "c": {"b": [1, 2]}}


def test_a_byte_order_mark_is_not_part_of_the_first_key(file):
    assert read_mapping(file(b"\xef\xbb\xbfa: 1\n"), SpaceError) == {"a": 1}


_LAUGHS = "a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 10)}]\n"
    for before, after in zip("abcdefghi", "bcdefghij", strict=True)
)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "line 3, column 1: duplicate key 'a'"),
        ("a: {b: 1, b: 2}\n", "line 1, column 11: duplicate key 'b'"),
        ("1: a\n", "line 1, column 1: a key must be a word, got '1'"),
        ("true: a\n", "a key must be a word, got 'True'"),
        ("{[a]: 1}\n", "line 1, column 2: a key must be a word"),
        ("a: [1,\n", "line 2, column 1: while parsing a flow node expected the node content"),
        ("a: b: c\n", "line 1, column 5: mapping values are not allowed here"),
        ("a:\n\t- b\n", "line 2, column 1: while scanning for the next token found character '\\t'"),
        ("a: *nope\n", "line 1, column 4: found undefined alias 'nope'"),
        ("a: &x [*x]\n", "line 1, column 4: aliases that make this larger than 100,000 nodes"),
        (_LAUGHS, "aliases that make this larger than 100,000 nodes"),
        ("a: 1\n---\nb: 2\n", "found another document"),
        ("a: !!python/object/apply:os.system ['true']\n", "line 1, column 4: could not determine a constructor"),
        ("a: !!binary aGk=\n", "could not determine a constructor"),
        ("a: !!int x\n", "a value does not fit its !! tag"),
        ("a: !!bool x\n", "a value does not fit its !! tag"),
        (f"a: {'9' * 5000}\n", "line 1, column 4: a whole number this large"),
        (f"a: 0x{'F' * 5000}\n", "line 1, column 4: a whole number this large"),
        ("[" * 5000, "nested too deeply"),
        ("a: 1\nb: \x00\n", "line 2, column 4: the character #x0000 is not allowed"),
        (b"a: 1\nb: \xff\n", "line 2 is not UTF-8 text"),
        ("- a\n", "expected 'key: value' lines, got a list"),
        ("hello\n", "expected 'key: value' lines, got only 'hello'"),
        ("", "the file is empty"),
        ("# nothing\n", "the file is empty"),
        ("#" * (MAX_BYTES + 1), "larger than 100,000 bytes"),
    ],
)
def test_a_file_that_is_not_a_settings_file_is_refused_in_one_line(file, content, message):
    path = file(content)
    with pytest.raises(SpaceError) as error:
        read_mapping(path, SpaceError)
    assert str(error.value).startswith(f"{path}: ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_the_error_is_of_the_type_asked_for(tmp_path):
    with pytest.raises(JobError, match=r"nowhere\.yaml: no such file"):
        read_mapping(tmp_path / "nowhere.yaml", JobError)


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(SpaceError, match="is a folder; expected a YAML file"):
        read_mapping(tmp_path, SpaceError)


@pytest.mark.parametrize("name", ["a\0b.yaml", "x" * 5000])
def test_an_invalid_path_is_refused(name):
    with pytest.raises(SpaceError, match="cannot be read"):
        read_mapping(Path(name), SpaceError)


@pytest.mark.parametrize(
    ("text", "value"),
    [("3", 3), ("1e-4", 1e-4), ("true", True), ("max", "max"), ("null", "null"), ("a: b", "a: b"), ("[1", "[1")],
)
def test_parse_scalar_reads_a_value_of_the_command_line(text, value):
    assert parse_scalar(text) == value
    assert type(parse_scalar(text)) is type(value)


def test_parse_scalar_refuses_a_number_beyond_64_bits():
    with pytest.raises(ValueError, match="a whole number this large"):
        parse_scalar("9" * 30)


@given(
    st.text("0123456789.eExo+-_~nulTF:# '\"\n,é", max_size=6)
    | st.text(st.characters(codec="utf-8"), max_size=8)
    | st.integers(-9, 9)
    | st.booleans()
    | st.floats(0.001, 1e9)
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read_again(file, value):
    assert read_mapping(file(dump({"key": value, "more": [value]})), JobError) == {"key": value, "more": [value]}
