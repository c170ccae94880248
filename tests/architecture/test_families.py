"""What holds for every family; a new line of the table is tested without another edit."""

import json
import pickle
import subprocess
import sys
from itertools import product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.architecture import FAMILIES, Family, Infeasible
from pipeline.architecture.block_builder import BlockBuilder
from pipeline.architecture.common import SHARED
from pipeline.architecture.layer import INPUT
from pipeline.architecture.ops import Conv
from pipeline.candidate import judge
from pipeline.hyperparameter import Hyperparameter, Hyperparameters, join_key
from pipeline.recipe import HYPERPARAMETERS
from pipeline.schema import space_schema
from pipeline.space import load
from pipeline.space import points as enumerate_points
from tests.architecture.draws import random_params

every_family = pytest.mark.parametrize("name", FAMILIES)

DEEPER = ("convs", "modules", "stage_blocks")
"""The hyperparameters that count the pieces between two halvings: one more piece never shrinks the map."""

SHAPE = (48, 40, 3)


def network(name, params, shape=SHAPE):
    return FAMILIES[name].build(params, shape, 10)


def drawn(name, params):
    try:
        return network(name, params)
    except Infeasible:
        assume(False)


@every_family
def test_a_family_has_the_name_it_is_found_by(name):
    assert FAMILIES[name].name == name
    assert FAMILIES[name].help


@every_family
def test_every_default_is_legal_and_every_hyperparameter_has_help(name):
    hyperparameters = FAMILIES[name].hyperparameters
    for key, hyperparameter in hyperparameters.items():
        assert hyperparameter.name == key
        assert hyperparameter.fault(hyperparameter.default) is None
        assert hyperparameter.help
        assert hyperparameter.per is None or isinstance(hyperparameters[hyperparameter.per].default, int)


@every_family
@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3)])
def test_the_defaults_give_a_network_that_ends_in_logits(name, shape):
    architecture = FAMILIES[name].build({}, shape, 7)
    assert architecture.input_shape == shape
    assert architecture.classes == 7
    assert architecture.layers[-1].name == "logits"
    assert architecture.layers[-1].shape == (7,)
    assert architecture.parameters > 0
    assert architecture.macs > 0


@every_family
def test_params_of_others_are_ignored(name):
    with_recipe = FAMILIES[name].build({"learning_rate": 0.1, "optimizer": "sgd"}, (32, 32, 3), 7)
    assert with_recipe == FAMILIES[name].build({}, (32, 32, 3), 7)


@every_family
def test_the_defaults_written_out_are_the_same_network(name):
    defaults = {key: hyperparameter.default for key, hyperparameter in FAMILIES[name].hyperparameters.items()}
    assert network(name, defaults).key() == network(name, {}).key()


TWICE = dict.fromkeys(("blocks", "convs", "fc_layers", "stages", "modules", "stage_blocks"), 2)
REPEATED = [
    (name, hyperparameter)
    for name, family in FAMILIES.items()
    for hyperparameter in family.hyperparameters.values()
    if hyperparameter.per
]


@pytest.mark.parametrize(("name", "hyperparameter"), REPEATED, ids=lambda value: getattr(value, "name", value))
def test_a_value_given_once_is_that_of_every_repetition(name, hyperparameter):
    counters = FAMILIES[name].hyperparameters.counters_of(hyperparameter.name)
    params = {key: count for key, count in TWICE.items() if key != hyperparameter.name}
    options = [option for option in hyperparameter.options if option != hyperparameter.default]
    value = options[0] if options else hyperparameter.default + 1
    each = {join_key(hyperparameter.name, index): value for index in product((1, 2), repeat=len(counters))}
    once = network(name, params | {hyperparameter.name: value}, (48, 40, 2))
    assert once.key() == network(name, params | each, (48, 40, 2)).key()
    assert once.key() != network(name, params, (48, 40, 2)).key()


def test_a_name_that_two_families_share_is_one_record():
    tables = [family.hyperparameters for family in FAMILIES.values()]
    for table, other in product(tables, repeat=2):
        for name in table.keys() & other.keys():
            assert table[name] is other[name], name
    for table in tables:
        assert not table.keys() & {*HYPERPARAMETERS, "family"}


@every_family
@settings(max_examples=40)
@given(data=st.data())
def test_random_draws_are_whole_networks(name, data):
    params = data.draw(random_params(name))
    architecture = drawn(name, params)
    seen = {"image"}
    for layer in architecture.layers:
        assert set(layer.inputs) <= seen
        assert min(layer.shape) >= 1
        seen.add(layer.name)
    assert len(seen) == len(architecture.layers) + 1
    assert {layer.op.bias for layer in architecture.layers if isinstance(layer.op, Conv)} == {params["norm"] == "none"}
    assert pickle.loads(pickle.dumps(architecture)) == architecture
    assert network(name, dict(reversed(params.items()))).key() == architecture.key()


@every_family
def test_draws_are_often_feasible_and_otherwise_say_why(name):
    feasible, refused = [], []

    @settings(max_examples=100, derandomize=True)
    @given(random_params(name))
    def draw(params):
        try:
            feasible.append(network(name, params, (6, 5, 3)))
        except Infeasible as error:
            refused.append(error)

    draw()
    assert len({architecture.key() for architecture in feasible}) >= 10
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
    params = data.draw(random_params(name))
    narrow = drawn(name, params)
    wide = network(name, params | {"width": params["width"] * wider})
    assert [type(layer.op) for layer in wide.layers] == [type(layer.op) for layer in narrow.layers]
    assert wide.parameters >= narrow.parameters
    assert wide.macs >= narrow.macs
    assert wide.memory(8) >= narrow.memory(8)
    assert network(name, params | {"width": 4.0}).parameters > network(name, params | {"width": 0.25}).parameters


@every_family
@settings(max_examples=40)
@given(data=st.data())
def test_costs_grow_with_the_depth(name, data):
    (depth,) = (key for key in DEEPER if key in FAMILIES[name].hyperparameters)
    drawn_params = data.draw(random_params(name))
    params = {key: "same" if key.startswith("padding") else value for key, value in drawn_params.items()}
    params |= {key: 1 for key in params if key.startswith("groups")}  # filters are rounded to the groups that read them
    shallow = drawn(name, params)
    deep = network(name, params | {f"{depth}_1": params[f"{depth}_1"] + 1} | _like_the_last(params, depth))
    assert deep.parameters > shallow.parameters
    assert deep.macs > shallow.macs
    assert deep.memory(8) >= shallow.memory(8)


def _like_the_last(params, depth):
    """Params of a new last repetition in the first block or stage: those of the one before it, except a stride."""
    last = params[f"{depth}_1"]
    repeated = [key for key in params if key.endswith(f"_1_{last}") and not key.startswith("stride")]
    return {key.removesuffix(f"_{last}") + f"_{last + 1}": params[key] for key in repeated}


@every_family
def test_the_room_needs_nothing_but_python(name):
    code = (
        "import sys; from pipeline.architecture import FAMILIES; "
        f"FAMILIES[{name!r}].build({{}}, (32, 32, 3), 7).memory(8); "
        "print(*{'numpy', 'keras', 'tensorflow', 'optuna', 'mlflow'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


# The one file of a new family.
PYRAMID_HYPERPARAMETERS = Hyperparameters(
    Hyperparameter("levels", 2, "convolutions, each followed by a halving pool", low=1),
    Hyperparameter("channels", 8, "filters of a convolution", low=1, per="levels"),
    *SHARED,
)


def build_pyramid(params, input_shape, classes):
    builder = BlockBuilder(PYRAMID_HYPERPARAMETERS, params, input_shape, classes)
    last = INPUT
    for level in range(1, builder.value("levels") + 1):
        filters = builder.scale_filters(builder.value("channels", level))
        conv = builder.add_norm_and_activation(f"conv{level}", builder.add_conv(f"conv{level}", last, filters, 3))
        last = builder.add_halving_pool(f"pool{level}", conv)
    builder.add_average_head(last)
    return builder.finish()


PYRAMID = Family("pyramid", "convolutions and halvings in turn", PYRAMID_HYPERPARAMETERS, build_pyramid)

PYRAMID_SPACE = """
family: pyramid
hyperparameters:
  levels: {int: [1, 2]}
  channels: {choice: [4, 8], per: levels}
  learning_rate: 0.01
limits: {macs: 20_000}
start_from: {small: {levels: 1, channels: 4}}
"""


def test_a_new_family_is_one_file_and_one_table_line(tmp_path, monkeypatch):
    monkeypatch.setitem(FAMILIES, "pyramid", PYRAMID)
    (tmp_path / "pyramid.yaml").write_text(PYRAMID_SPACE)
    space = load(str(tmp_path / "pyramid.yaml"))
    shared = {"family": "pyramid", "learning_rate": 0.01}
    points = list(enumerate_points(space))
    assert points[:2] == [shared | {"levels": 1, "channels_1": channels} for channels in (4, 8)]
    assert len(points) == 2 + 4
    assert space.start_from["small"].items() >= {"levels": 1, "channels_1": 4}.items()
    feasible = judge(space, points[0], (12, 12, 1), 3).candidate
    assert [layer.name for layer in feasible.architecture.layers if layer.macs] == ["conv1", "logits"]
    assert feasible.costs["parameters"] == 4 * 9 + 2 * 4 + (4 + 1) * 3
    assert judge(space, points[-1], (12, 12, 1), 3).kind == "macs over the limit"
    assert judge(space, points[-1], (2, 2, 1), 3).kind == "map vanishes"
    assert '"pyramid"' in json.dumps(space_schema())
