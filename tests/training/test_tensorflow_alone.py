import sys

import pytest

from pipeline.training.tensorflow_alone import import_tensorflow

TRIES = """
try:
    import jax
except ImportError:
    jax = None
"""


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """What is imported, with a TensorFlow and a JAX that can be and are not yet."""
    for name, content in (("tensorflow", TRIES), ("jax", "")):
        (tmp_path / f"{name}.py").write_text(content)
        monkeypatch.delitem(sys.modules, name, raising=False)
        monkeypatch.setitem(sys.modules, name, None)  # noted, so that what is imported here goes
        del sys.modules[name]
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    return sys.modules


def test_it_is_imported_without_jax_which_can_be_imported_later(modules):
    import_tensorflow()
    assert modules["tensorflow"].jax is None
    import jax  # noqa: F401


@pytest.mark.parametrize("already", [False, True])
def test_jax_stays_where_it_is_wanted(modules, monkeypatch, already):
    if already:
        import jax  # noqa: F401
    else:
        monkeypatch.setenv("KERAS_BACKEND", "jax")
    import_tensorflow()
    assert ("jax" in modules, "tensorflow" in modules) == (already, False)


def test_it_need_not_be_there(modules, tmp_path):
    (tmp_path / "tensorflow.py").write_text("raise ImportError")
    import_tensorflow()
    assert not {"tensorflow", "jax"} & modules.keys()
