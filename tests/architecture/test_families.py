"""What every family keeps to; a new line of the table is tested without another edit."""

import pickle
import subprocess
import sys
from itertools import product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.architecture import FAMILIES, Infeasible
from pipeline.architecture.ops import Conv
from pipeline.recipe import HYPERPARAMETERS
from tests.architecture.draws import values

every_family = pytest.mark.parametrize("name", FAMILIES)

DEEPER = ("convs", "modules", "stage_blocks")
"""What a family calls the number of pieces between two halvings: one more never shrinks the map."""

SHAPE = (48, 40, 3)


def network(name, chosen, shape=SHAPE):
    return FAMILIES[name].rule(chosen, shape, 10)


def drawn(name, chosen):
    try:
        return network(name, chosen)
    except Infeasible:
        assume(False)


@every_family
def test_a_family_has_the_name_it_is_found_by(name):
    assert FAMILIES[name].name == name
    assert FAMILIES[name].help


@every_family
def test_every_default_is_legal_and_every_hyperparameter_has_help(name):
    known = FAMILIES[name].hyperparameters
    for key, one in known.items():
        assert one.name == key
        assert one.fault(one.default) is None
        assert one.help
        assert one.per is None or isinstance(known[one.per].default, int)


@every_family
@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3)])
def test_the_defaults_give_a_network_that_ends_in_logits(name, shape):
    architecture = FAMILIES[name].rule({}, shape, 7)
    assert architecture.input_shape == shape
    assert architecture.classes == 7
    assert architecture.layers[-1].name == "logits"
    assert architecture.layers[-1].shape == (7,)
    assert architecture.parameters > 0
    assert architecture.macs > 0


@every_family
def test_values_it_does_not_know_are_ignored(name):
    with_recipe = FAMILIES[name].rule({"learning_rate": 0.1, "optimizer": "sgd"}, (32, 32, 3), 7)
    assert with_recipe == FAMILIES[name].rule({}, (32, 32, 3), 7)


@every_family
def test_the_defaults_written_out_are_the_same_network(name):
    known = FAMILIES[name].hyperparameters
    written = {key: one.default for key, one in known.items()}
    assert network(name, written).key() == network(name, {}).key()


TWICE = dict.fromkeys(("blocks", "convs", "fc_layers", "stages", "modules", "stage_blocks"), 2)
REPEATED = [(name, one) for name, family in FAMILIES.items() for one in family.hyperparameters.values() if one.per]


@pytest.mark.parametrize(("name", "one"), REPEATED, ids=lambda one: getattr(one, "name", one))
def test_a_value_given_once_is_that_of_every_repetition(name, one):
    counted, values = 1 if FAMILIES[name].hyperparameters[one.per].per is None else 2, {**TWICE}
    values.pop(one.name, None)
    value = next((option for option in one.options if option != one.default), None) or one.default + 1
    each = {"_".join([one.name, *map(str, place)]): value for place in product(range(1, 3), repeat=counted)}
    once = network(name, values | {one.name: value}, (48, 40, 2))
    assert once.key() == network(name, values | each, (48, 40, 2)).key()
    assert once.key() != network(name, values, (48, 40, 2)).key()


def test_a_name_that_two_families_share_is_one_record():
    for one in FAMILIES.values():
        for other in FAMILIES.values():
            for name in one.hyperparameters.keys() & other.hyperparameters.keys():
                assert one.hyperparameters[name] is other.hyperparameters[name], name
        assert not one.hyperparameters.keys() & {*HYPERPARAMETERS, "family"}


@every_family
@settings(max_examples=40)
@given(data=st.data())
def test_random_draws_are_whole_networks(name, data):
    chosen = data.draw(values(name))
    architecture = drawn(name, chosen)
    seen = {"image"}
    for layer in architecture.layers:
        assert set(layer.inputs) <= seen
        assert min(layer.shape) >= 1
        seen.add(layer.name)
    assert len(seen) == len(architecture.layers) + 1
    assert {layer.op.bias for layer in architecture.layers if isinstance(layer.op, Conv)} == {chosen["norm"] == "none"}
    assert pickle.loads(pickle.dumps(architecture)) == architecture
    assert network(name, dict(reversed(chosen.items()))).key() == architecture.key()


@every_family
def test_draws_are_often_feasible_and_otherwise_say_why(name):
    feasible, refused = [], []

    @settings(max_examples=100, derandomize=True)
    @given(values(name))
    def draw(chosen):
        try:
            feasible.append(network(name, chosen, (6, 5, 3)))
        except Infeasible as error:
            refused.append(error)

    draw()
    assert len({one.key() for one in feasible}) >= 10
    assert refused
    for error in refused:
        assert "\n" not in error.reason
        assert any(sign.isdigit() for sign in error.reason)
        assert not any(sign.isdigit() for sign in error.kind)
        assert 0 < len(error.kind) <= 40


@every_family
@settings(max_examples=40)
@given(data=st.data(), wider=st.sampled_from([1.25, 2.0]))
def test_costs_grow_with_the_width(name, data, wider):
    chosen = data.draw(values(name))
    narrow = drawn(name, chosen)
    wide = network(name, chosen | {"width": chosen["width"] * wider})
    assert [type(layer.op) for layer in wide.layers] == [type(layer.op) for layer in narrow.layers]
    assert wide.parameters >= narrow.parameters
    assert wide.macs >= narrow.macs
    assert wide.memory(8) >= narrow.memory(8)
    assert network(name, chosen | {"width": 4.0}).parameters > network(name, chosen | {"width": 0.25}).parameters


@every_family
@settings(max_examples=40)
@given(data=st.data())
def test_costs_grow_with_the_depth(name, data):
    (depth,) = (one for one in DEEPER if one in FAMILIES[name].hyperparameters)
    drawn_values = data.draw(values(name))
    chosen = {key: "same" if key.startswith("padding") else value for key, value in drawn_values.items()}
    shallow = drawn(name, chosen)
    deep = network(name, chosen | {f"{depth}_1": chosen[f"{depth}_1"] + 1} | _like_the_last(chosen, depth))
    assert deep.parameters > shallow.parameters
    assert deep.macs > shallow.macs
    assert deep.memory(8) >= shallow.memory(8)


def _like_the_last(chosen, depth):
    """Values of a new last repetition in the first block or stage: those of the one before it, but for a stride."""
    last = chosen[f"{depth}_1"]
    repeated = [key for key in chosen if key.endswith(f"_1_{last}") and not key.startswith("stride")]
    return {key.removesuffix(f"_{last}") + f"_{last + 1}": chosen[key] for key in repeated}


@every_family
def test_the_room_needs_nothing_but_python(name):
    code = (
        "import sys; from pipeline.architecture import FAMILIES; "
        f"FAMILIES[{name!r}].rule({{}}, (32, 32, 3), 7).memory(8); "
        "print(*{'numpy', 'keras', 'tensorflow', 'optuna', 'mlflow'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
