"""Probabilities from a saved model."""

import zipfile

import numpy as np
import pytest
from PIL import Image

from pipeline import model_card
from pipeline.data import load
from pipeline.data.decode import decode
from pipeline.errors import ModelError
from pipeline.training import batches, predict
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
    found = predict.probabilities(model, noise(*shape))
    assert found.shape == (shape[0], 3)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)


def test_no_images_are_no_rows(model):
    assert predict.probabilities(model, noise(0, 8, 8, 1)).shape == (0, 3)
    found, faults = predict.read_and_predict(model, [], SHAPE)
    assert found.shape == (0, 3)
    assert faults == []


def test_the_batch_size_does_not_matter(model, monkeypatch):
    images = noise(7, 8, 8, 1)
    whole = predict.probabilities(model, images)
    monkeypatch.setattr(batches, "_IMAGES", 3)
    np.testing.assert_allclose(predict.probabilities(model, images), whole, atol=1e-6)


def test_files_are_decoded_as_for_training(model, photos):
    found, faults = predict.read_and_predict(model, photos, SHAPE)
    images = np.stack([decode(path, SHAPE) for path in photos])
    assert faults == [""] * 7
    np.testing.assert_allclose(found, predict.probabilities(model, images), atol=1e-6)


def test_what_cannot_be_read_is_named_and_the_rest_goes_on(model, photos, monkeypatch):
    monkeypatch.setattr(batches, "_IMAGES", 2)
    photos[2].write_text("no image")
    photos[4].write_bytes(b"")
    photos[5].unlink()
    found, faults = predict.read_and_predict(model, photos, SHAPE)
    assert [bool(fault) for fault in faults] == [False, False, True, False, True, True, False]
    assert all(str(path) in fault for path, fault in zip(photos, faults, strict=True) if fault)
    np.testing.assert_array_equal(np.isnan(found).all(axis=1), [bool(fault) for fault in faults])
    good, _ = predict.read_and_predict(model, [photos[0], photos[6]], SHAPE)
    np.testing.assert_allclose(found[[0, 6]], good, atol=1e-6)


def test_rows_of_a_dataset(model):
    data = load("digits", fetch=lambda name, folder: None)
    rows = data.test[[5, 1, 3]]
    found = predict.over_dataset(model, data, rows)
    np.testing.assert_allclose(found, predict.probabilities(model, np.asarray(data.images[rows])), atol=1e-6)
    assert predict.over_dataset(model, data, rows[:0]).shape == (0, 3)


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
        (model_card.MEMBER, None),
        (model_card.MEMBER, b"{}"),
    ],
)
def test_a_damaged_model_is_one_clear_line(model, tmp_path, member, content):
    path = damaged(model, tmp_path / "bad.keras", member, content)
    with pytest.raises(ModelError, match=r"bad\.keras") as caught:
        predict.probabilities(path, noise(1, 8, 8, 1))
    assert "\n" not in str(caught.value)


def test_a_card_of_another_model_is_noticed(tmp_path):
    path = write_tiny_model(tmp_path / "m.keras", classes=("a", "b"))
    text = zipfile.ZipFile(path).read(model_card.MEMBER).replace(b'"b"', b'"b", "c"')
    path = damaged(path, tmp_path / "bad.keras", model_card.MEMBER, text)
    with pytest.raises(ModelError, match=r"bad\.keras: expected a model with 3 outputs"):
        predict.probabilities(path, noise(1, 8, 8, 1))


def test_images_that_do_not_suit_the_model(model):
    with pytest.raises(ModelError, match="does not take these images"):
        predict.probabilities(model, noise(2, 8, 8, 3))


def test_code_in_a_model_is_not_run(tmp_path):
    import keras

    images = keras.Input((8, 8, 1), dtype="uint8")
    output = keras.layers.Softmax()(keras.layers.Flatten()(keras.layers.Lambda(lambda x: x * 2)(images)))
    keras.Model(images, output).save(tmp_path / "m.keras")
    classes = tuple(map(str, range(64)))
    model_card.put(model_card.ModelCard(classes, SHAPE, "d", "d", 0, "s", 0), tmp_path / "m.keras")
    with pytest.raises(ModelError, match=r"m\.keras"):
        predict.probabilities(tmp_path / "m.keras", noise(1, 8, 8, 1))
