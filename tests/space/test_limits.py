import pytest

from pipeline.errors import SpaceError
from pipeline.space.limits import COSTS, parse_limit


@pytest.mark.parametrize(
    ("name", "value", "limit"),
    [
        ("parameters", 5_000_000, 5_000_000),
        ("parameters", "5_000_000", 5_000_000),
        ("parameters", "5,000,000", 5_000_000),
        ("parameters", "1 M", 1_000_000),
        ("macs", "100k", 100_000),
        ("macs", "1.5G", 1_500_000_000),
        ("macs", 1e9, 1_000_000_000),
        ("memory", 2_000_000_000, 2_000_000_000),
        ("memory", "2GB", 2_000_000_000),
        ("memory", "2.3 GB", 2_300_000_000),
        ("memory", "2gb", 2_000_000_000),
        ("memory", "1_000MiB", 1000 << 20),
        ("memory", "5000000", 5_000_000),
        ("latency_ms", 12, 12),
        ("latency_ms", 0.25, 0.25),
        ("latency_ms", "0.25", 0.25),
        ("latency_ms", "5 ms", 5),
    ],
)
def test_a_limit_is_a_number_or_text_of_one(name, value, limit):
    assert parse_limit(name, value) == limit


@pytest.mark.parametrize("name", COSTS)
@pytest.mark.parametrize(
    "value", [0, -5, "0", "-5", "many", "", "2 boats", "1e", float("inf"), float("nan"), True, None, [3], {"a": 1}]
)
def test_what_is_no_number_above_0_is_refused_by_name(name, value):
    with pytest.raises(SpaceError, match=f"^{name}: expected .* above 0") as error:
        parse_limit(name, value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("parameters", "2GB"),
        ("macs", 1.5),
        ("memory", 2),
        ("memory", "500kB"),
        ("macs", "1.0005k"),
        ("latency_ms", "5MB"),
    ],
)
def test_each_cost_has_its_units_and_what_is_counted_is_whole(name, value):
    with pytest.raises(SpaceError, match=f"^{name}: expected"):
        parse_limit(name, value)


def test_costs_are_shown_with_their_units():
    costs = {"parameters": 1_234_567, "macs": 20_000, "memory": 3.21e9, "latency_ms": 12.345}
    assert [COSTS[name].format(value) for name, value in costs.items()] == ["1,234,567", "20,000", "3.21 GB", "12.3 ms"]
    assert [COSTS["memory"].format(value) for value in (2e9, 1.5e6, 900)] == ["2 GB", "1.5 MB", "900 bytes"]
