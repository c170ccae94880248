"""Exported models are written, checked and replaced."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from pipeline.errors import ModelError
from pipeline.export import FORMATS, export, make_noise
from pipeline.study.model_metadata import read_metadata
from tests.export.tiny_model import write_tiny_model

SHAPE = (8, 8, 1)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_tiny_model(tmp_path_factory.mktemp("model") / "model.keras")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def broken(monkeypatch, **changes):
    monkeypatch.setitem(FORMATS, "keras2", replace(FORMATS["keras"], name="keras2", **changes))


def test_both_formats(model, tmp_path):
    results = export(model, tmp_path / "a" / "b", ["keras", "saved-model"], make_noise(SHAPE))
    assert [result.format for result in results] == ["keras", "saved-model"]
    assert [result.path for result in results] == [tmp_path / "a/b/model.keras", tmp_path / "a/b/saved_model"]
    assert all(result.bytes > 10_000 for result in results)
    assert all(result.difference <= 1e-4 for result in results)
    assert names(tmp_path / "a/b") == ["labels.txt", "model.keras", "saved_model"]
    assert read_metadata(results[0].path).classes == ("cat", "dog", "owl")
    metadata = json.loads((results[1].path / "assets.extra/convtune.json").read_text())
    assert metadata["classes"] == ["cat", "dog", "owl"]


def test_an_old_export_is_replaced_whole(model, tmp_path):
    (tmp_path / "saved_model").mkdir()
    (tmp_path / "saved_model" / "left over").write_text("old")
    (tmp_path / "model.keras").write_text("old")
    results = export(model, tmp_path, ["keras", "saved-model"], make_noise(SHAPE))
    assert names(tmp_path) == ["labels.txt", "model.keras", "saved_model"]
    assert not (tmp_path / "saved_model" / "left over").exists()
    assert results[0].path.read_bytes() == model.read_bytes()


def test_another_output_is_refused_and_the_old_file_stays(model, tmp_path, monkeypatch):
    (tmp_path / "model.keras").write_text("old")
    right = FORMATS["keras"].load
    broken(monkeypatch, load=lambda path: lambda images: right(path)(images) + np.float32(2e-4))
    with pytest.raises(
        ModelError, match=r"model\.keras: keras2 differs from the model by 0\.0002, expected at most 0\.0001"
    ):
        export(model, tmp_path, ["keras2"], make_noise(SHAPE))
    assert names(tmp_path) == ["model.keras"]
    assert (tmp_path / "model.keras").read_text() == "old"


@pytest.mark.parametrize("size", [8, 3], ids=["first", "last"])
def test_a_batch_of_nan_does_not_agree(model, tmp_path, monkeypatch, size):
    right = FORMATS["keras"].load
    nan = np.full((size, 3), np.nan, np.float32)
    broken(monkeypatch, load=lambda path: lambda images: nan if len(images) == size else right(path)(images))
    with pytest.raises(ModelError, match="differs from the model by nan"):
        export(model, tmp_path, ["keras2"], make_noise(SHAPE))


def test_a_file_that_cannot_be_read_back_is_refused(model, tmp_path, monkeypatch):
    broken(monkeypatch, write=lambda source, target: target.write_bytes(source.read_bytes()[:2000]))
    with pytest.raises(ModelError, match=r"the model\.keras just written cannot be run"):
        export(model, tmp_path, ["keras2"], make_noise(SHAPE))
    assert names(tmp_path) == []


def test_a_folder_that_cannot_be_written(model, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match=r"cannot write there .* choose another --output"):
        export(model, tmp_path / "file" / "below", ["keras"], make_noise(SHAPE))


def test_the_noise_is_always_the_same_and_of_two_sizes():
    first, second = make_noise(SHAPE)
    assert first.shape == (8, 8, 8, 1)
    assert second.shape[1:3] != first.shape[1:3]
    np.testing.assert_array_equal(first, make_noise(SHAPE)[0])


ELSEWHERE = """
import json, os, sys, zipfile
import numpy as np
images, saved_model, keras_file = np.load(sys.argv[1]), *sys.argv[2:]

import tensorflow as tf
loaded = tf.saved_model.load(saved_model)
probabilities = loaded.signatures["serving_default"](images=tf.constant(images))["probabilities"].numpy()
classes = json.load(open(os.path.join(saved_model, "assets.extra", "convtune.json")))["classes"]
results = [[classes, probabilities.tolist()]]

import keras
probabilities = keras.saving.load_model(keras_file, safe_mode=True).predict(images, verbose=0)
classes = json.loads(zipfile.ZipFile(keras_file).read("convtune.json"))["classes"]
results += [[classes, probabilities.tolist()]]

assert not [name for name in sys.modules if name.split(".")[0] == "pipeline"]
print(json.dumps(results))
"""
"""Uses both formats as a program without convtune does: the SavedModel with TensorFlow, the file with Keras."""


def test_they_run_where_convtune_is_not(model, tmp_path):
    results = export(model, tmp_path, ["saved-model", "keras"], make_noise(SHAPE))
    images = make_noise(SHAPE)[1]
    np.save(tmp_path / "images.npy", images)
    script = tmp_path / "use.py"
    script.write_text(ELSEWHERE)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [sys.executable, str(script), str(tmp_path / "images.npy"), *(str(result.path) for result in results)]
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    for classes, probabilities in json.loads(ran.stdout.splitlines()[-1]):
        assert classes == ["cat", "dog", "owl"]
        np.testing.assert_allclose(probabilities, FORMATS["keras"].load(model)(images), atol=1e-5)
