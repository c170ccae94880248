"""What a space of some families can set."""

from pipeline.architecture import FAMILIES
from pipeline.recipe import HYPERPARAMETERS
from pipeline.space.hyperparameters import hyperparameters_of


def test_a_space_of_several_families_can_set_what_any_of_them_knows(mixed):
    assert list(mixed)[:8] == ["family", "floors", "rooms", "size", "norm", "arms", "reach", "twist"]
    assert {*HYPERPARAMETERS} < {*mixed}
    assert (mixed["family"].options, mixed["family"].default) == (("tall", "wide", "odd"), "tall")


def test_what_not_all_families_know_needs_one_that_does(mixed):
    assert mixed["floors"].when == (("family", ("tall",)),)
    assert mixed["arms"].when == (("family", ("wide", "odd")),)
    assert [mixed[name].when for name in ("family", "norm", "learning_rate")] == [(), (), ()]


def test_in_a_space_of_one_family_nothing_depends_on_it():
    assert not any(hyperparameter.when for hyperparameter in hyperparameters_of(["plain"]).values())
    assert hyperparameters_of(["residual", "plain"])["family"].default == "plain"
    assert hyperparameters_of(["residual"])["family"].default == "residual"


def test_what_has_no_effect_is_missing(mixed):
    assert mixed.why_absent({"family": "wide"}, "size", (1, 1)) == "family is wide"
    assert mixed.why_absent({"family": "wide"}, "reach", (3,)) == "arms is 2"


def test_no_name_means_two_things():
    """A hyperparameter of the recipe under the name of a family's could not be told from it."""
    for family in FAMILIES.values():
        assert not family.hyperparameters.keys() & HYPERPARAMETERS.keys()
