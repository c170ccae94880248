import math

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import SpaceError
from pipeline.space import Choice, FloatRange, IntRange


@st.composite
def int_ranges(draw):
    low = draw(st.integers(-50, 50))
    span = draw(st.integers(0, 40))
    return IntRange(low, low + span, draw(st.integers(1, max(span, 1))))


@st.composite
def stepped_ranges(draw):
    low, step = draw(st.integers(-20, 20)) / 10, draw(st.sampled_from([0.1, 0.05, 0.25, 0.3, 1.0]))
    return FloatRange(low, low + step * draw(st.integers(1, 30)) + draw(st.sampled_from([0.0, step / 2])), step)


choices = st.lists(st.one_of(st.booleans(), st.integers(5, 9), st.text(max_size=3)), min_size=1, unique=True).map(
    lambda options: Choice(tuple(options))
)
finite = st.one_of(int_ranges(), stepped_ranges(), choices)


@given(finite)
def test_the_values_are_as_many_as_counted_each_once_and_contained(domain):
    values = list(domain.values())
    assert len(values) == domain.count() == len(set(values))
    assert all(domain.member(value) == value for value in values)
    assert values[0] == domain.first


shares = st.floats(0, 1, exclude_max=True)


@given(finite, shares)
def test_every_share_is_a_value_and_even_shares_are_all_values_in_order(domain, share):
    assert domain.contains(domain.at(share))
    count = domain.count()
    assert [domain.at((number + 0.5) / count) for number in range(count)] == list(domain.values())


@given(st.one_of(st.just(IntRange(1, 1000, log=True)), st.just(FloatRange(1e-4, 0.3, log=True))), shares, shares)
def test_a_logarithmic_range_is_drawn_evenly_in_the_logarithm(domain, share, other):
    low, high = sorted((share, other))
    assert domain.low <= domain.at(low) <= domain.at(high) <= domain.high
    assert domain.at(0.5) == pytest.approx(math.sqrt(domain.low * domain.high), rel=0.05)


@given(st.one_of(int_ranges(), stepped_ranges()))
def test_a_range_ends_at_the_last_number_its_steps_reach(domain):
    assert list(domain.values())[-1] == domain.high


@given(stepped_ranges(), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_what_optuna_draws_is_a_member(domain, seed):
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed))
    drawn = study.ask().suggest_float("x", domain.low, domain.high, step=domain.step)
    assert domain.member(drawn) in list(domain.values())


def test_steps_are_exact_in_decimals():
    domain = FloatRange(0.0, 0.6, 0.1)
    assert list(domain.values()) == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    assert domain.member(0.1 + 0.2) == 0.3
    assert not domain.contains(0.35)


def test_a_range_without_steps_has_no_count_and_no_values():
    domain = FloatRange(1e-4, 1.0, log=True)
    assert domain.count() is None
    with pytest.raises(SpaceError, match="continuous"):
        domain.values()
    assert domain.contains(1)
    assert not domain.contains(1.0001)


def test_rounding_at_an_end_is_forgiven():
    """A sampler that works in logarithms may come back one bit outside."""
    domain = FloatRange(3e-4, 0.1, log=True)
    assert domain.member(0.1 * (1 + 1e-15)) == 0.1
    assert domain.member(3e-4 * (1 - 1e-15)) == 3e-4


def test_a_range_of_one_number_is_finite():
    assert list(FloatRange(0.5, 0.5).values()) == [0.5]
    assert IntRange(3, 3, 2).count() == 1


@pytest.mark.parametrize("value", [True, "1", None, math.nan, math.inf, [1], pytest.param(10**400, id="huge")])
@pytest.mark.parametrize("domain", [IntRange(0, 5), FloatRange(0.0, 5.0), FloatRange(0.0, 5.0, 0.5), Choice((0, 1, 2))])
def test_other_things_are_no_members(domain, value):
    assert not domain.contains(value)


def test_true_is_not_one():
    assert Choice((True, False)).member(1) is None
    assert Choice((0.0, 0.5)).member(0) == 0.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: IntRange(5, 1), "the range is reversed: 5 is above 1"),
        (lambda: FloatRange(0.5, 0.1), "the range is reversed"),
        (lambda: IntRange(0, 8, log=True), "log needs a lowest value above 0, got 0"),
        (lambda: FloatRange(0.0, 1.0, log=True), "log needs a lowest value above 0, got 0.0"),
        (lambda: IntRange(1, 8, 2, log=True), "log and step cannot go together"),
        (lambda: FloatRange(0.1, 1.0, 0.1, log=True), "log and step cannot go together"),
        (lambda: IntRange(1, 8, 0), "step: expected a number above 0, got 0"),
        (lambda: FloatRange(0.1, 1.0, -0.1), "step: expected a number above 0"),
        (lambda: IntRange(1, 3, 5), "step 5 is longer than the range 1 to 3"),
        (lambda: FloatRange(0.0, 0.1, 0.2), "step 0.2 is longer"),
        (lambda: IntRange(True, 3), "expected whole numbers, got True"),
        (lambda: IntRange(1, 3.5), "expected whole numbers, got 3.5"),
        (lambda: FloatRange("a", 1.0), "expected numbers, got 'a'"),
        (lambda: FloatRange(0.0, math.inf), "expected numbers, got inf"),
        (lambda: FloatRange(math.nan, 1.0), "expected numbers, got nan"),
        (lambda: IntRange(1, 3, log="yes"), "log: expected true or false, got 'yes'"),
        (lambda: Choice(()), "choice is empty; list at least one value"),
        (lambda: Choice((1, 2, 1)), "choice lists 1 twice"),
        (lambda: Choice(("a", None)), "choice holds None"),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(SpaceError, match=message.replace("(", r"\(")):
        make()


@pytest.mark.parametrize(
    ("domain", "text"),
    [
        (IntRange(1, 5), "1 to 5"),
        (IntRange(1, 9, 2), "1 to 9 in steps of 2"),
        (FloatRange(1e-4, 1.0, log=True), "0.0001 to 1.0 (log)"),
        (Choice((False, True)), "false, true"),
        (Choice((8, 16)), "8, 16"),
    ],
)
def test_a_domain_shows_as_people_write_it(domain, text):
    assert str(domain) == text
