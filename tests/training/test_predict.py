"""Probabilities from a saved model."""

import zipfile

import numpy as np
import pytest
from PIL import Image

from pipeline.data import load
from pipeline.data.decode import decode
from pipeline.errors import ModelError
from pipeline.study.model_metadata import MEMBER, ModelMetadata, write_metadata
from pipeline.training import predict, reading
from pipeline.training.runnable_model import RunnableModel
from tests.export.tiny_model import write_tiny_model

SHAPE = (8, 8, 1)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_tiny_model(tmp_path_factory.mktemp("model") / "model.keras")


@pytest.fixture
def photos(tmp_path):
    random = np.random.default_rng(0)
    paths = [tmp_path / f"{number}.png" for number in range(7)]
    for path in paths:
        Image.fromarray(random.integers(0, 256, (11, 9, 3), np.uint8)).save(path)
    return paths


def noise(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize("shape", [(5, 8, 8, 1), (1, 8, 8, 1), (3, 20, 31, 1)])
def test_probabilities_of_images_of_any_size(model, shape):
    probabilities = predict.predict_arrays(model, noise(*shape))
    assert probabilities.shape == (shape[0], 3)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


def test_no_images_are_no_rows(model):
    assert predict.predict_arrays(model, noise(0, 8, 8, 1)).shape == (0, 3)
    probabilities, faults = predict.predict_files(RunnableModel(model), [])
    assert probabilities.shape == (0, 3)
    assert faults == []


def test_the_batch_size_does_not_matter(model, monkeypatch):
    images = noise(7, 8, 8, 1)
    whole = predict.predict_arrays(model, images)
    monkeypatch.setattr(reading, "_IMAGES", 3)
    np.testing.assert_allclose(predict.predict_arrays(model, images), whole, atol=1e-6)


def test_files_are_decoded_as_for_training(model, photos):
    seen = []
    probabilities, faults = predict.predict_files(
        RunnableModel(model), photos, lambda done, total: seen.append((done, total))
    )
    assert seen == [(7, 7)]
    images = np.stack([decode(path, SHAPE) for path in photos])
    assert faults == [""] * 7
    np.testing.assert_allclose(probabilities, predict.predict_arrays(model, images), atol=1e-6)


def test_deep_images_are_scaled_as_those_that_the_model_was_trained_on(tmp_path):
    file = tmp_path / "scan.png"
    Image.fromarray(np.full(SHAPE[:2], 2000, np.uint16)).save(file)
    results = []
    for white in (4095, None, 65535):
        deep = write_tiny_model(tmp_path / f"{white}.keras", shape=SHAPE, white=white)
        probabilities, faults = predict.predict_files(RunnableModel(deep), [file])
        assert faults == [""]
        expected = predict.predict_arrays(deep, decode(file, SHAPE, white)[None])
        np.testing.assert_allclose(probabilities, expected, atol=1e-6)
        results.append(probabilities)
    assert not np.allclose(results[0], results[2])


def test_what_cannot_be_read_is_named_and_the_rest_goes_on(model, photos, monkeypatch):
    monkeypatch.setattr(reading, "_IMAGES", 2)
    photos[2].write_text("no image")
    photos[4].write_bytes(b"")
    photos[5].unlink()
    probabilities, faults = predict.predict_files(RunnableModel(model), photos)
    assert [bool(fault) for fault in faults] == [False, False, True, False, True, True, False]
    assert all(str(path) in fault for path, fault in zip(photos, faults, strict=True) if fault)
    np.testing.assert_array_equal(np.isnan(probabilities).all(axis=1), [bool(fault) for fault in faults])
    good, _ = predict.predict_files(RunnableModel(model), [photos[0], photos[6]])
    np.testing.assert_allclose(probabilities[[0, 6]], good, atol=1e-6)


def test_rows_of_a_dataset(model):
    data = load("digits", fetch=lambda name, folder: None)
    rows = data.test[[5, 1, 3]]
    seen = []
    probabilities = predict.predict_dataset(
        RunnableModel(model), data, rows, lambda done, total: seen.append((done, total))
    )
    assert seen == [(0, 1)]
    np.testing.assert_allclose(probabilities, predict.predict_arrays(model, np.asarray(data.images[rows])), atol=1e-6)
    assert predict.predict_dataset(RunnableModel(model), data, rows[:0]).shape == (0, 3)


def damaged(source, target, member, content):
    """A copy of an archive with one member changed (None: left out)."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            if name != member:
                new.writestr(name, old.read(name))
            elif content is not None:
                new.writestr(name, content)
    return target


@pytest.mark.parametrize(
    ("member", "content"),
    [
        ("config.json", b"{}"),
        ("config.json", b"[1"),
        ("config.json", None),
        (
            "config.json",
            b'{"module": "os", "class_name": "system", "config": {"command": "true"}, "registered_name": null}',
        ),
        ("model.weights.h5", b"garbage"),
        ("model.weights.h5", None),
        (MEMBER, None),
        (MEMBER, b"{}"),
    ],
)
def test_a_damaged_model_is_one_clear_line(model, tmp_path, member, content):
    path = damaged(model, tmp_path / "bad.keras", member, content)
    with pytest.raises(ModelError, match=r"bad\.keras") as caught:
        predict.predict_arrays(path, noise(1, 8, 8, 1))
    assert "\n" not in str(caught.value)


def test_metadata_of_another_model_is_noticed(tmp_path):
    path = write_tiny_model(tmp_path / "m.keras", classes=("a", "b"))
    text = zipfile.ZipFile(path).read(MEMBER).replace(b'"b"', b'"b", "c"')
    path = damaged(path, tmp_path / "bad.keras", MEMBER, text)
    with pytest.raises(ModelError, match=r"bad\.keras: expected a model with 3 outputs"):
        predict.predict_arrays(path, noise(1, 8, 8, 1))


def test_images_that_do_not_suit_the_model(model):
    with pytest.raises(ModelError, match="does not take these images"):
        predict.predict_arrays(model, noise(2, 8, 8, 3))
    with pytest.raises(ModelError, match="expected pixels from 0 to 255 as uint8, got float64; multiply pixels from 0"):
        predict.predict_arrays(model, noise(2, 8, 8, 1) / 255)


def test_code_in_a_model_is_not_run(tmp_path):
    import keras

    images = keras.Input((8, 8, 1), dtype="uint8")
    output = keras.layers.Softmax()(keras.layers.Flatten()(keras.layers.Lambda(lambda x: x * 2)(images)))
    keras.Model(images, output).save(tmp_path / "m.keras")
    classes = tuple(map(str, range(64)))
    write_metadata(ModelMetadata(classes, SHAPE, "d", "d", 0, "s", 0), tmp_path / "m.keras")
    with pytest.raises(ModelError, match=r"m\.keras"):
        predict.predict_arrays(tmp_path / "m.keras", noise(1, 8, 8, 1))
