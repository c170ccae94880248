"""Writing, checking and replacing exported models."""

import json
import os
import subprocess
import sys
import textwrap
from dataclasses import replace

import numpy as np
import pytest

from pipeline import model_card
from pipeline.errors import ModelError
from pipeline.export import FORMATS, export, noise
from tests.export.tiny_model import write_tiny_model

SHAPE = (8, 8, 1)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_tiny_model(tmp_path_factory.mktemp("model") / "model.keras")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def broken(monkeypatch, **changes):
    formats = dict(FORMATS) | {"keras2": replace(FORMATS["keras"], **changes)}
    monkeypatch.setattr(sys.modules["pipeline.export.export"], "FORMATS", formats)


def test_both_formats(model, tmp_path):
    written = export(model, tmp_path / "a" / "b", ["keras", "saved_model"], noise(SHAPE))
    assert [one.format for one in written] == ["keras", "saved_model"]
    assert [one.path for one in written] == [tmp_path / "a/b/model.keras", tmp_path / "a/b/saved_model"]
    assert all(one.bytes > 10_000 for one in written)
    assert all(one.difference <= 1e-4 for one in written)
    assert names(tmp_path / "a/b") == ["model.keras", "saved_model"]
    assert model_card.get(written[0].path).classes == ("cat", "dog", "owl")
    card = json.loads((written[1].path / "assets.extra/convtune.json").read_text())
    assert card["classes"] == ["cat", "dog", "owl"]


def test_an_old_export_is_replaced_whole(model, tmp_path):
    (tmp_path / "saved_model").mkdir()
    (tmp_path / "saved_model" / "left over").write_text("old")
    (tmp_path / "model.keras").write_text("old")
    written = export(model, tmp_path, ["keras", "saved_model"], noise(SHAPE))
    assert names(tmp_path) == ["model.keras", "saved_model"]
    assert not (tmp_path / "saved_model" / "left over").exists()
    assert written[0].path.read_bytes() == model.read_bytes()


def test_another_output_is_refused_and_the_old_file_stays(model, tmp_path, monkeypatch):
    (tmp_path / "model.keras").write_text("old")
    right = FORMATS["keras"].run
    broken(monkeypatch, run=lambda path, images: right(path, images) + np.float32("new" in path.name) * 2e-4)
    with pytest.raises(
        ModelError, match=r"model\.keras: keras2 differs from the model by 0\.0002, expected at most 0\.0001"
    ):
        export(model, tmp_path, ["keras2"], noise(SHAPE))
    assert names(tmp_path) == ["model.keras"]
    assert (tmp_path / "model.keras").read_text() == "old"


def test_nan_is_no_agreement(model, tmp_path, monkeypatch):
    broken(monkeypatch, run=lambda path, images: np.full((len(images), 3), np.nan, np.float32))
    with pytest.raises(ModelError, match="differs from the model by nan"):
        export(model, tmp_path, ["keras2"], noise(SHAPE))


def test_a_file_that_cannot_be_read_back_is_refused(model, tmp_path, monkeypatch):
    broken(monkeypatch, write=lambda source, target: target.write_bytes(source.read_bytes()[:2000]))
    with pytest.raises(ModelError, match=r"the model\.keras just written cannot be run"):
        export(model, tmp_path, ["keras2"], noise(SHAPE))
    assert names(tmp_path) == []


def test_a_folder_that_cannot_be_written(model, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match=r"cannot write there .* choose another --output"):
        export(model, tmp_path / "file" / "below", ["keras"], noise(SHAPE))


def test_the_noise_is_always_the_same_and_of_two_sizes():
    first, second = noise(SHAPE)
    assert first.shape == (8, 8, 8, 1)
    assert second.shape[1:3] != first.shape[1:3]
    np.testing.assert_array_equal(first, noise(SHAPE)[0])


START = """
import json, os, sys, zipfile
import numpy as np
images = np.load(sys.argv[2])
"""
END = """
assert not [name for name in sys.modules if name.split(".")[0] == "pipeline"]
print(json.dumps([classes, found.tolist()]))
"""
ELSEWHERE = {
    "keras": """
        import keras
        model = keras.saving.load_model(sys.argv[1], safe_mode=True)
        found = model.predict(images, verbose=0)
        classes = json.loads(zipfile.ZipFile(sys.argv[1]).read("convtune.json"))["classes"]
    """,
    "saved_model": """
        import tensorflow as tf
        loaded = tf.saved_model.load(sys.argv[1])
        found = loaded.signatures["serving_default"](images=tf.constant(images))["probabilities"].numpy()
        classes = json.load(open(os.path.join(sys.argv[1], "assets.extra", "convtune.json")))["classes"]
    """,
}


@pytest.mark.parametrize("name", FORMATS)
def test_it_runs_where_convtune_is_not(name, model, tmp_path):
    (written,) = export(model, tmp_path, [name], noise(SHAPE))
    images = noise(SHAPE)[1]
    np.save(tmp_path / "images.npy", images)
    script = tmp_path / "use.py"
    script.write_text(START + textwrap.dedent(ELSEWHERE[name]) + END)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [sys.executable, str(script), str(written.path), str(tmp_path / "images.npy")]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    classes, found = json.loads(done.stdout.splitlines()[-1])
    assert classes == ["cat", "dog", "owl"]
    np.testing.assert_allclose(found, FORMATS["keras"].run(model, images), atol=1e-5)
