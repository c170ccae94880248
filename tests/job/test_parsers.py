import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.job.parsers import (
    describe_received,
    parse_assignments,
    parse_attempt,
    parse_count,
    parse_gpus,
    parse_limits,
    parse_objective_names,
    parse_one_of,
    parse_seconds,
    parse_size,
    parse_text,
    parse_whole_number,
)
from pipeline.metrics import METRICS


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("10m", 600),
        ("10 min", 600),
        ("1h 30 min", 5400),
        ("600s", 600),
        ("90", 90),
        ("1h30m", 5400),
        ("2d", 172_800),
        (1.5, 1.5),
    ],
)
def test_times(written, expected):
    assert parse_seconds(written) == expected


@given(st.integers(0, 9), st.integers(0, 59), st.integers(1, 59))
def test_times_add_up(hours, minutes, rest):
    assert parse_seconds(f"{hours}h{minutes}m{rest}s") == hours * 3600 + minutes * 60 + rest


@pytest.mark.parametrize(
    "written", ["", "-5m", "0", "5 weeks", "m", "10m!", True, "9" * 400, [1], "10001d", "9" * 28 + "h"]
)
def test_invalid_times_are_refused(written):
    with pytest.raises(ValueError, match="expected a time"):
        parse_seconds(written)


@pytest.mark.parametrize(("written", "expected"), [(1, 1), ("12", 12), ("1_000", 1000), (256, 256)])
def test_whole_numbers(written, expected):
    assert parse_whole_number(1, 1000)(written) == expected


@pytest.mark.parametrize("written", [0, -1, 1.5, "1.5", "x", "", True, [3], "9" * 5000, None])
def test_invalid_whole_numbers_are_refused(written):
    with pytest.raises(ValueError, match="expected a whole number from 1"):
        parse_whole_number(1)(written)


def test_a_number_above_the_range_is_told_the_range():
    with pytest.raises(ValueError, match=r"^expected a whole number from 1 to 256$"):
        parse_whole_number(1, 256)(257)


def test_the_machine_may_decide_a_number():
    assert [parse_count(1, 8)(written) for written in ("auto", 3, "8")] == [0, 3, 8]
    for written, expected in ((0, "from 1, or auto"), ("x", "from 1, or auto"), (9, "from 1 to 8, or auto")):
        with pytest.raises(ValueError, match=f"expected a whole number {expected}$"):
            parse_count(1, 8)(written)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("all", ()),
        ("none", ("none",)),
        (0, ("0",)),
        ("0, 1", ("0", "1")),
        ([2, "3"], ("2", "3")),
        ("GPU-0a-1,MIG-b", ("GPU-0a-1", "MIG-b")),
    ],
)
def test_gpus(written, expected):
    assert parse_gpus(written) == expected


@pytest.mark.parametrize(
    "written", ["", "x", "-1", "0,", "0,0", "0,none", "all,1", [], [[0]], True, 1.5, None, "9" * 50, "0;rm"]
)
def test_invalid_gpus_are_refused(written):
    with pytest.raises(ValueError, match="expected all, none or GPUs as nvidia-smi numbers them"):
        parse_gpus(written)


@pytest.mark.parametrize(("written", "expected"), [("64x48", (64, 48)), (64, (64, 64)), ("1", (1, 1))])
def test_sizes_are_height_and_width(written, expected):
    assert parse_size(written) == expected


@pytest.mark.parametrize("written", [0, "0", "64x", "x64", "64x48x3", "abc", "", True, "5000", "64x4097", 6.5])
def test_invalid_sizes_are_refused(written):
    with pytest.raises(ValueError, match="expected"):
        parse_size(written)


def test_names_are_those_of_a_table():
    assert parse_one_of({"asha": 1, "median": 2})("median") == "median"
    for name in ("asah", "", 3, ["asha"]):
        with pytest.raises(ValueError, match=r"^expected one of asha, median"):
            parse_one_of(("asha", "median"))(name)


@pytest.mark.parametrize("content", ["", " ", 5, None, ["a"]])
def test_a_text_is_not_blank(content):
    with pytest.raises(ValueError, match="expected a word"):
        parse_text(content)


def test_values_of_assignments_are_read_as_yaml():
    read = parse_assignments("a=1, b=[2, [3, 4]],c=1e-4,d=true,e=word, f=[x,y]")
    assert read == {"a": 1, "b": [2, [3, 4]], "c": 1e-4, "d": True, "e": "word", "f": ["x", "y"]}
    assert parse_assignments({"a": 1}) == {"a": 1}


@pytest.mark.parametrize("content", ["", "a", "a=", "=1", "a=1,,b=2", "a=1,a=2", {}, [], 3, None, True])
def test_invalid_assignments_are_refused(content):
    with pytest.raises(ValueError, match="expected"):
        parse_assignments(content)


def test_an_attempt_is_params_or_the_name_of_a_start_point():
    assert parse_attempt("a=1,b=2") == parse_attempt({"a": 1, "b": 2}) == {"a": 1, "b": 2}
    assert parse_attempt(" resnet18 ") == "resnet18"
    assert parse_attempt(1) == parse_attempt("1") == "1", "the first start point of a list is called 1"


@pytest.mark.parametrize("content", ["", " ", "=", {}, [], True, 1.5, None])
def test_invalid_attempts_are_refused(content):
    with pytest.raises(ValueError, match="expected"):
        parse_attempt(content)


def test_objectives_are_a_text_or_a_list():
    assert parse_objective_names("macs,score") == parse_objective_names(["score", "macs"]) == ("score", "macs")
    with pytest.raises(ValueError, match="did you mean 'macs'"):
        parse_objective_names("score,mac")
    with pytest.raises(ValueError, match="expected a list"):
        parse_objective_names(3)


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("form", ["{}", "macs,{}", "{} , score"])
@pytest.mark.parametrize("convert", [str, lambda text: text.split(",")])
def test_a_metric_is_not_an_objective_and_the_error_says_where_metrics_are_chosen(name, form, convert):
    with pytest.raises(ValueError, match=f"^'{name}' is called 'score' here.* --metric {name} "):
        parse_objective_names(convert(form.format(name)))


def test_an_error_repeats_short_values_and_the_length_of_long_ones():
    assert describe_received([3]) == ", got [3]"
    assert describe_received("x" * 40) == f", got {'x' * 40!r}"
    assert describe_received("x" * 41) == ", got 41 characters"


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("macs=20M,memory=2GB", {"macs": "20M", "memory": "2GB"}),
        ("parameters=1,234,567,MACs=100k", {"parameters": 1234567, "macs": "100k"}),
        ("latency=5 ms,macs=none", {"latency_ms": "5 ms", "macs": "none"}),
        ("speed=5", {"speed": 5}),
        ({"MACs": 5}, {"macs": 5}),
    ],
)
def test_limits_by_the_words_that_tables_have(text, limits):
    assert parse_limits(text) == limits
