import pytest
import yaml

from pipeline.errors import SpaceError
from pipeline.hypermodel.space import blueprint, fingerprint, space, text
from pipeline.space import Choice, FloatRange, IntRange
from pipeline.training.hypermodel.task import Blueprint, Listed

SOURCE = Blueprint("mine.py", "build")
KIND = Listed("kind", "choice", "mlp", (), options=("mlp", "cnn"))


def units(when=(), high=64, **more):
    return Listed("units", "int", 8, when, low=8, high=high, step=8, **more)


def only(values):
    return (("kind", values),)


def test_names_of_spaces_are_no_hypermodels_and_a_file_must_be_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").touch()
    assert [blueprint(name) for name in ("quick", "a/b.yaml", "./x.yml")] == [None, None, None]
    assert blueprint("mine.py:build") == blueprint("./mine.py:build") == SOURCE
    assert blueprint("some.package:Model") == Blueprint("some.package", "Model")
    with pytest.raises(SpaceError, match=r"yours\.py:build: there is no file yours\.py"):
        blueprint("yours.py:build")
    with pytest.raises(SpaceError, match=r"expected file\.py:name"):
        blueprint("mine.py")


def test_ranges_of_kerastuner_become_domains():
    listed = [
        units(),
        Listed("lr", "float", 1e-3, (), low=1e-4, high=1e-1, log=True),
        Listed("rate", "float", 0.0, (), low=0, high=0.6, step=0.1),
        Listed("norm", "choice", False, (), options=(True, False)),
        Listed("classes", "fixed", 10, (), options=(10,)),
        Listed("dense/units_1", "int", 4, (), low=4, high=4, step=None),
    ]
    made = space(SOURCE, listed)
    domains = {one.name: one.domain for one in made.parameters}
    assert domains["units"] == IntRange(8, 64, 8)
    assert domains["lr"] == FloatRange(1e-4, 1e-1, log=True)
    assert domains["rate"].count() == 7
    assert domains["norm"] == Choice((True, False))
    assert made.constants == {"classes": 10}
    assert made.start_from["default"]["norm"] is False
    assert made.complete({"units": 16, "dense/units_1": 4})["units"] == 16
    assert made.fixed({"units": 24}).start_from["default"]["units"] == 24


def test_a_condition_holds_only_where_those_of_its_parent_do():
    listed = [
        KIND,
        Listed("pool", "choice", "max", only(("cnn",)), options=("max", "none")),
        Listed("size", "int", 2, (("pool", ("max",)),), low=2, high=3, step=1),
    ]
    made = space(SOURCE, listed)
    assert made.size() == 1 + 2 + 1
    assert "size" not in made.complete({"kind": "mlp"})
    with pytest.raises(SpaceError, match="no effect"):
        made.complete({"kind": "mlp", "size": 2})


def test_what_a_condition_and_those_of_its_parents_say_of_one_name_holds_together():
    listed = [
        Listed("a", "choice", 1, (), options=(1, 2, 3)),
        Listed("b", "choice", 1, (("a", (1, 2)),), options=(1, 2)),
        Listed("c", "choice", 1, (("a", (2, 3)),), options=(1, 2)),
        Listed("d", "choice", 1, (("b", (1,)), ("c", (2,))), options=(1, 2)),
    ]
    assert dict(space(SOURCE, listed).parameters[3].when) == {"b": (1,), "c": (2,), "a": (2,)}


def test_one_name_under_several_conditions_is_one_parameter_if_its_range_is_one():
    other = Listed("kind", "choice", "mlp", (), options=("mlp", "cnn", "none"))
    made = space(SOURCE, [other, units(only(("mlp",))), units(only(("cnn",)))])
    assert dict(made.parameters[1].when) == {"kind": ("mlp", "cnn")}
    with pytest.raises(SpaceError, match="units has several ranges"):
        space(SOURCE, [other, units(only(("mlp",))), units(only(("cnn",)), high=128)])


def test_a_hyperparameter_may_be_called_as_what_families_and_tables_have():
    made = space(SOURCE, [Listed(name, "choice", "a", (), options=("a", "b")) for name in ("family", "value")])
    assert made.size() == 4
    assert made.complete({"family": "b"}) == {"family": "b", "value": "a"}


def test_a_fixed_value_of_a_condition_is_set_only_there():
    made = space(SOURCE, [KIND, Listed("depth", "fixed", 3, only(("cnn",)), options=(3,))])
    assert made.complete({"kind": "cnn"})["depth"] == 3
    assert "depth" not in made.complete({"kind": "mlp"})


def test_the_fingerprint_follows_the_parameters():
    prints = {
        space(SOURCE, [KIND, units(when, high)]).fingerprint for when in ((), only(("cnn",))) for high in (64, 72)
    }
    assert len(prints) == 4


def test_the_code_counts_by_its_text_and_name_wherever_it_lies(tmp_path):
    one, moved, edited = (tmp_path / name for name in ("one.py", "moved.py", "edited.py"))
    for file in (one, moved):
        file.write_text("def build(hp): return 1\n")
    edited.write_text("def build(hp): return 2\n")
    found = fingerprint(SOURCE, str(one))
    assert found == fingerprint(Blueprint("elsewhere.py", "build"), str(moved))
    others = fingerprint(SOURCE, str(edited)), fingerprint(Blueprint("mine.py", "other"), str(one))
    unread = fingerprint(Blueprint("a", "build"), ""), fingerprint(Blueprint("b", "build"), str(tmp_path / "absent"))
    assert len({found, *others, *unread}) == 5


def test_a_study_keeps_parameters_and_source_for_people(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("def build(hp):\n\treturn None\n")
    kept = yaml.safe_load(text(space(SOURCE, [KIND, units(only(("cnn",)))]), SOURCE, str(file)))
    assert kept["hypermodel"] == "mine.py:build"
    assert kept["parameters"]["units"] == {"int": [8, 64], "step": 8, "when": {"kind": ["cnn"]}}
    assert kept["source"] == file.read_text()
    assert "source" not in yaml.safe_load(text(space(SOURCE, [KIND]), SOURCE, ""))
