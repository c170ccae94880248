import pytest
import yaml

from pipeline.errors import SpaceError
from pipeline.hypermodel.source import HyperModelSource, ListedHyperparameter
from pipeline.hypermodel.space import fingerprint, make_space, parse_source, read_code, source_text
from pipeline.space import Choice, FloatRange, IntRange, complete, enumeration, fix

SOURCE = HyperModelSource("mine.py", "build")
KIND = ListedHyperparameter("kind", "choice", "mlp", (), options=("mlp", "cnn"))


def units(when=(), high=64, **more):
    return ListedHyperparameter("units", "int", 8, when, low=8, high=high, step=8, **more)


def only(values):
    return (("kind", values),)


def test_names_of_spaces_are_no_hypermodels_and_a_file_must_be_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").touch()
    assert [parse_source(name) for name in ("quick", "a/b.yaml", "./x.yml")] == [None, None, None]
    assert parse_source("mine.py:build") == parse_source("./mine.py:build") == SOURCE
    assert parse_source("some.package:Model") == HyperModelSource("some.package", "Model")
    with pytest.raises(SpaceError, match=r"yours\.py:build: there is no file yours\.py"):
        parse_source("yours.py:build")
    with pytest.raises(SpaceError, match=r"expected file\.py:name"):
        parse_source("mine.py")


def test_ranges_of_kerastuner_become_domains():
    listed = [
        units(),
        ListedHyperparameter("lr", "float", 1e-3, (), low=1e-4, high=1e-1, log=True),
        ListedHyperparameter("rate", "float", 0.0, (), low=0, high=0.6, step=0.1),
        ListedHyperparameter("norm", "choice", False, (), options=(True, False)),
        ListedHyperparameter("classes", "fixed", 10, (), options=(10,)),
        ListedHyperparameter("dense/units_1", "int", 4, (), low=4, high=4, step=None),
    ]
    space = make_space(SOURCE, listed)
    domains = {searched.name: searched.domain for searched in space.searched}
    assert domains["units"] == IntRange(8, 64, 8)
    assert domains["lr"] == FloatRange(1e-4, 1e-1, log=True)
    assert domains["rate"].count() == 7
    assert domains["norm"] == Choice((True, False))
    assert space.constants == {"classes": 10}
    assert space.start_from["default"]["norm"] is False
    assert complete(space, {"units": 16, "dense/units_1": 4})["units"] == 16
    assert fix(space, {"units": 24}).start_from["default"]["units"] == 24


def test_a_condition_holds_only_where_those_of_its_parent_do():
    listed = [
        KIND,
        ListedHyperparameter("pool", "choice", "max", only(("cnn",)), options=("max", "none")),
        ListedHyperparameter("size", "int", 2, (("pool", ("max",)),), low=2, high=3, step=1),
    ]
    space = make_space(SOURCE, listed)
    assert enumeration.size(space) == 1 + 2 + 1
    assert "size" not in complete(space, {"kind": "mlp"})
    with pytest.raises(SpaceError, match="no effect"):
        complete(space, {"kind": "mlp", "size": 2})


def test_what_a_condition_and_those_of_its_parents_say_of_one_name_holds_together():
    listed = [
        ListedHyperparameter("a", "choice", 1, (), options=(1, 2, 3)),
        ListedHyperparameter("b", "choice", 1, (("a", (1, 2)),), options=(1, 2)),
        ListedHyperparameter("c", "choice", 1, (("a", (2, 3)),), options=(1, 2)),
        ListedHyperparameter("d", "choice", 1, (("b", (1,)), ("c", (2,))), options=(1, 2)),
    ]
    assert dict(make_space(SOURCE, listed).searched[3].when) == {"b": (1,), "c": (2,), "a": (2,)}


def test_one_name_under_several_conditions_has_the_widest_of_its_ranges():
    other = ListedHyperparameter("kind", "choice", "mlp", (), options=("mlp", "cnn", "none"))
    space = make_space(SOURCE, [other, units(only(("mlp",))), units(only(("cnn",)))])
    assert dict(space.searched[1].when) == {"kind": ("mlp", "cnn")}
    space = make_space(SOURCE, [other, units(only(("mlp",))), units(only(("cnn",)), high=128)])
    assert space.searched[1].domain == IntRange(8, 128, 8)
    with pytest.raises(SpaceError, match="units has values of several kinds"):
        make_space(SOURCE, [units(), ListedHyperparameter("units", "choice", "a", (), options=("a", "b"))])


def test_a_hyperparameter_may_be_called_as_what_families_and_tables_have():
    space = make_space(
        SOURCE, [ListedHyperparameter(name, "choice", "a", (), options=("a", "b")) for name in ("family", "score")]
    )
    assert enumeration.size(space) == 4
    assert complete(space, {"family": "b"}) == {"family": "b", "score": "a"}


def test_a_fixed_value_of_a_condition_is_set_only_there():
    space = make_space(SOURCE, [KIND, ListedHyperparameter("depth", "fixed", 3, only(("cnn",)), options=(3,))])
    assert complete(space, {"kind": "cnn"})["depth"] == 3
    assert "depth" not in complete(space, {"kind": "mlp"})


def test_the_fingerprint_follows_the_hyperparameters():
    prints = {
        make_space(SOURCE, [KIND, units(when, high)]).fingerprint for when in ((), only(("cnn",))) for high in (64, 72)
    }
    assert len(prints) == 4


def test_the_code_counts_by_its_text_and_name_wherever_it_lies(tmp_path):
    code, edited = "def build(hp): return 1\n", "def build(hp): return 2\n"
    digest = fingerprint(SOURCE, code)
    assert digest == fingerprint(HyperModelSource("elsewhere.py", "build"), code)
    others = fingerprint(SOURCE, edited), fingerprint(HyperModelSource("mine.py", "other"), code)
    unread = (
        fingerprint(HyperModelSource("a", "build"), read_code("")),
        fingerprint(HyperModelSource("b", "build"), read_code(str(tmp_path / "absent"))),
    )
    assert len({digest, *others, *unread}) == 5


def test_a_study_keeps_hyperparameters_and_source_for_people():
    code = "def build(hp):\n\treturn None\n"
    kept = yaml.safe_load(source_text(make_space(SOURCE, [KIND, units(only(("cnn",)))]), SOURCE, "mine.py", code))
    assert kept["hypermodel"] == "mine.py:build"
    assert kept["hyperparameters"]["units"] == {"int": [8, 64], "step": 8, "when": {"kind": ["cnn"]}}
    assert kept["source"] == code
    assert "source" not in yaml.safe_load(source_text(make_space(SOURCE, [KIND]), SOURCE, "", ""))
