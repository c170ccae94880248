"""A whole tuning script as a HyperModel."""

import pytest

from pipeline.errors import SpaceError
from pipeline.hypermodel.loader import import_member
from pipeline.hypermodel.source import HyperModelSource

SCRIPT = """
import keras, keras_tuner, numpy
def build(hp):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(hp.Int("units", 1, 2))])
    model.compile("sgd", "mse")
    return model
x = numpy.zeros((4, 2))
"""
SEARCH = 'tuner = keras_tuner.RandomSearch(build, "loss", 2, directory="d")\ntry:\n    tuner.search(x, x)\n'
SEARCH += "except Exception:\n    pass\n"
FIT = "build(keras_tuner.HyperParameters()).fit(x, x)\n"


@pytest.mark.parametrize(("ending", "what"), [(SEARCH, "starts a search of its own"), (FIT, "trains a model by fit")])
def test_an_import_that_trains_is_stopped_and_says_what_to_do(tmp_path, monkeypatch, ending, what):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "script.py").write_text(SCRIPT + ending)
    with pytest.raises(SpaceError, match=what) as stopped:
        import_member(HyperModelSource("script.py", "build"))
    assert str(stopped.value).startswith("script.py:build: importing it ")
    assert 'put what is not needed to build models under `if __name__ == "__main__":`' in str(stopped.value)


def test_a_guarded_script_is_imported(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "guarded.py").write_text(f'{SCRIPT}if __name__ == "__main__":\n    {FIT}')
    assert callable(import_member(HyperModelSource("guarded.py", "build")))
