"""What every family keeps to; a new line of the table is tested without another edit."""

import subprocess
import sys

import pytest

from pipeline.architecture import FAMILIES

pytestmark = pytest.mark.parametrize("name", FAMILIES)


def test_a_family_has_the_name_it_is_found_by(name):
    assert FAMILIES[name].name == name
    assert FAMILIES[name].help


def test_every_default_is_legal_and_every_hyperparameter_has_help(name):
    known = FAMILIES[name].hyperparameters
    for key, one in known.items():
        assert one.name == key
        assert one.fault(one.default) is None
        assert one.help
        assert one.per is None or isinstance(known[one.per].default, int)


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3)])
def test_the_defaults_give_a_network_that_ends_in_logits(name, shape):
    architecture = FAMILIES[name].rule({}, shape, 7)
    assert architecture.input_shape == shape
    assert architecture.classes == 7
    assert architecture.layers[-1].name == "logits"
    assert architecture.layers[-1].shape == (7,)
    assert architecture.parameters > 0
    assert architecture.macs > 0


def test_values_it_does_not_know_are_ignored(name):
    with_recipe = FAMILIES[name].rule({"learning_rate": 0.1, "optimizer": "sgd"}, (32, 32, 3), 7)
    assert with_recipe == FAMILIES[name].rule({}, (32, 32, 3), 7)


def test_the_room_needs_nothing_but_python(name):
    code = (
        "import sys; from pipeline.architecture import FAMILIES; "
        f"FAMILIES[{name!r}].rule({{}}, (32, 32, 3), 7).memory(8); "
        "print(*{'numpy', 'keras', 'tensorflow', 'optuna', 'mlflow'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
