"""Files and validation images through a network."""

import keras
import numpy as np
import pytest
from PIL import Image

from pipeline import model_card
from pipeline.architecture import FAMILIES
from pipeline.architecture.ops import Conv
from pipeline.data import load
from pipeline.errors import DataError, JobError, ModelError
from pipeline.model_card import ModelCard
from pipeline.training.build import build_served
from pipeline.training.look.look import at_files, at_validation
from pipeline.training.look.seen import Unit, Wish
from pipeline.training.predict import read_and_predict
from tests.export.tiny_model import write_tiny_model
from tests.training.look.nets import nested, spots, two_spots


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_tiny_model(tmp_path_factory.mktemp("model") / "model.keras")


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (11, 9, 3), np.uint8)).save(path)
    return path


def save(model, path):
    model.save(path)
    return path


def looked(path, photos, wish=None, card=None):
    look, faults = at_files(path, card, photos, wish or Wish())
    assert faults == []
    return look


def test_a_model_of_convtune(model, photo):
    look = looked(model, [photo, photo], card=model_card.get(model))
    assert look.classes == ("cat", "dog", "owl")
    assert look.parameters == 4 * 10 + 3 * 5
    assert (look.filters.layer, look.filters.kernels.shape, look.filters.count) == ("conv", (3, 3, 1, 4), 4)
    first, second = look.sights
    np.testing.assert_array_equal(first.shares, second.shares)
    expected, _ = read_and_predict(model, [photo], (8, 8, 1))
    np.testing.assert_allclose(first.shares, expected[0], atol=1e-6)
    assert first.image.shape == (8, 8, 1)
    assert [(one.layer, one.values.shape, one.channels) for one in first.maps] == [("conv", (6, 6, 4), 4)]
    assert (first.field.unit.layer, first.field.size, first.field.side) == ("conv", (6, 6), (3, 3))
    assert [heat.values.shape for heat in first.heats] == [(6, 6)] * 3
    assert [heat.position for heat in first.heats] == list(np.argsort(-first.shares))


def test_the_strongest_unit_is_where_the_map_is_brightest(model, photo):
    (sight,) = looked(model, [photo], card=model_card.get(model)).sights
    (maps,) = sight.maps
    unit = sight.field.unit
    assert maps.values[unit.row, unit.column, sight.field.channel] == maps.values.max()
    assert sight.field.box == (unit.row, unit.column, unit.row + 3, unit.column + 3)


def test_a_unit_and_few_classes_and_channels(model, photo):
    (sight,) = looked(model, [photo], Wish(Unit("conv", 5, 0), 1, 2), model_card.get(model)).sights
    assert sight.field.box == (5, 0, 8, 3)
    assert len(sight.heats) == 1
    assert (sight.maps[0].values.shape, sight.maps[0].channels) == ((6, 6, 2), 4)


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family(tmp_path, photo, name):
    architecture = FAMILIES[name].rule({}, (32, 32, 3), 3)
    card = ModelCard(("a", "b", "c"), (32, 32, 3), "d", "d", 0, "s", 0)
    save(build_served(architecture, scale=[1 / 255] * 3, offset=[0.0] * 3), tmp_path / "m.keras")
    (sight,) = looked(tmp_path / "m.keras", [photo], card=card).sights
    assert len(sight.maps) == sum(isinstance(layer.op, Conv) for layer in architecture.layers)
    known = {layer.name: layer for layer in architecture.layers}
    layer = known[sight.field.unit.layer]
    assert (sight.field.side, sight.field.unknown) == ((layer.receptive_field,) * 2, ())
    where = known[sight.heats[0].layer]
    assert sight.heats[0].values.shape == where.shape[:2] == layer.shape[:2]
    assert sight.shares.sum() == pytest.approx(1, abs=1e-5)


def test_a_model_without_a_card(tmp_path):
    path = save(two_spots(), tmp_path / "m.keras")
    Image.fromarray((spots()[0] * 255).astype(np.uint8)).save(tmp_path / "spots.png")
    look = looked(path, [tmp_path / "spots.png"])
    assert look.classes == ("0", "1")
    assert look.notes == (
        "Pixels went in as 0 (black) to 1 (white), since it does not rescale them; --pixels changes that.",
    )
    (sight,) = look.sights
    red = np.zeros((4, 4))
    red[0, 0], red[1, 1] = 1, 127 / 255
    np.testing.assert_allclose(sight.heats[0].values, red, atol=1e-6)
    doubled = looked(path, [tmp_path / "spots.png"], Wish(levels=(0, 2))).sights[0].maps[0]
    np.testing.assert_allclose(doubled.values, 2 * sight.maps[0].values, rtol=1e-6)


def test_models_within_models(tmp_path, photo):
    look = looked(save(nested(), tmp_path / "m.keras"), [photo])
    assert {maps.layer for maps in look.sights[0].maps} == {"conv", "middle/shared", "middle/shared#2", "end/conv"}
    assert look.sights[0].heats[0].layer == "relu"


def test_a_file_of_the_old_form(tmp_path, photo):
    look = looked(save(two_spots("layer"), tmp_path / "m.h5"), [photo])
    assert look.sights[0].shares.sum() == pytest.approx(1, abs=1e-6)


def test_a_model_of_any_size_and_without_classes(tmp_path, photo):
    image = keras.Input((None, None, 3), dtype="uint8")
    maps = keras.layers.SeparableConv2D(2, 3, padding="same")(keras.layers.Rescaling(1 / 255)(image))
    look = looked(save(keras.Model(image, maps), tmp_path / "m.keras"), [photo])
    assert look.sights[0].image.shape == (11, 9, 3)
    assert (look.classes, look.sights[0].heats, look.sights[0].shares.size) == ((), (), 0)
    assert look.filters.kernels.shape == (3, 3, 1, 3)


def test_heat_is_taken_where_branches_have_met_and_before_the_head(tmp_path, photo):
    image = keras.Input((8, 8, 3))
    stem = keras.layers.Conv2D(4, 3, padding="same")(image)
    short = keras.layers.Conv2D(4, 1, name="short")(stem)
    both = keras.layers.Add(name="sum")([short, keras.layers.BatchNormalization()(stem)])
    last = keras.layers.ReLU(name="last")(both)
    squeezed = keras.layers.GlobalAveragePooling2D(keepdims=True)(last)
    logits = keras.layers.Flatten()(keras.layers.Conv2D(5, 1, name="logits")(squeezed))
    path = save(keras.Model(image, keras.layers.Softmax()(logits)), tmp_path / "m.keras")
    (sight,) = looked(path, [photo]).sights
    assert sight.heats[0].layer == "last"
    assert sight.field.unit.layer == "short"


def test_what_cannot_be_read_is_told_and_the_rest_goes_on(model, photo, tmp_path):
    (tmp_path / "no.png").write_text("milk")
    look, (fault,) = at_files(model, model_card.get(model), [tmp_path / "no.png", photo], Wish())
    assert len(look.sights) == 1
    assert "no.png: no image" in fault
    with pytest.raises(DataError, match=r"no\.png: no image.*none of the 2 files"):
        at_files(model, model_card.get(model), [tmp_path / "no.png"] * 2, Wish())


def models():
    """Models that cannot be looked at, and what is said of them."""
    image, other = keras.Input((4, 4, 3), name="image"), keras.Input((2,), name="other")
    flat = keras.layers.Flatten()
    conv = keras.layers.Conv2D(2, 1)
    return {
        "got a model without one": keras.Model(image, keras.layers.Dense(2)(flat(image))),
        r"got 2 inputs \(image, other\)": keras.Model(
            [image, other], keras.layers.Concatenate()([flat(conv(image)), other])
        ),
        r"got one of \(4, 4, 2\)": keras.Model(four := keras.Input((4, 4, 2)), keras.layers.Conv2D(2, 1)(four)),
    }


@pytest.mark.parametrize("part", models())
def test_models_that_cannot_be_looked_at(tmp_path, photo, part):
    with pytest.raises(ModelError, match=part):
        at_files(save(models()[part], tmp_path / "m.keras"), None, [photo], Wish())


@pytest.mark.parametrize(
    ("wish", "part"),
    [
        (Wish(Unit("cnv", 0, 0)), "no layer 'cnv' with a map, did you mean 'conv'"),
        (Wish(Unit("dense", 0, 0)), "no layer 'dense' with a map"),
        (Wish(Unit("conv", 6, 0)), "conv has a map of 6x6, so expected a row from 0 to 5"),
        (Wish(levels=(0, 1)), "--pixels: .* takes pixels as they are"),
    ],
)
def test_what_is_not_there(model, photo, wish, part):
    with pytest.raises(JobError, match=part):
        at_files(model, model_card.get(model), [photo], wish)


def test_weights_that_are_damaged(tmp_path, photo):
    broken = write_tiny_model(tmp_path / "broken.keras", bias=float("nan"))
    with pytest.raises(ModelError, match="gives NaN"):
        at_files(broken, model_card.get(broken), [photo], Wish())


def test_an_image_too_small_for_the_model(tmp_path):
    image = keras.Input((None, None, 3))
    save(keras.Model(image, keras.layers.Conv2D(2, 5)(image)), tmp_path / "m.keras")
    Image.new("RGB", (3, 3)).save(tmp_path / "small.png")
    with pytest.raises(ModelError, match="does not take images of 3x3x3"):
        at_files(tmp_path / "m.keras", None, [tmp_path / "small.png"], Wish())


def test_validation_images_right_and_wrong(tmp_path):
    data = load("digits", fetch=lambda name, folder: None)
    model = write_tiny_model(tmp_path / "m.keras", classes=data.classes)
    look = at_validation(model, data)
    wrong = [int(sight.shares.argmax()) != sight.label for sight in look.sights]
    assert wrong == sorted(wrong)
    assert sum(wrong) == 3
    for sight in look.sights:
        row = int(sight.title.rpartition(" ")[2])
        assert row in data.validation
        assert sight.label == data.labels[row]
        np.testing.assert_array_equal(sight.image, data.images[row])
        assert sight.label in [heat.position for heat in sight.heats]
