"""Explanations by image files and by validation images."""

import keras
import numpy as np
import pytest
from PIL import Image

from pipeline.architecture import FAMILIES
from pipeline.architecture.ops import Conv
from pipeline.data import load
from pipeline.errors import DataError, JobError, ModelError
from pipeline.explain.explain import explain_files, explain_validation
from pipeline.explain.explanation import ExplainOptions, Unit
from pipeline.study.model_metadata import ModelMetadata, read_metadata
from pipeline.training.build import build_inference_model
from pipeline.training.predict import predict_files
from pipeline.training.runnable_model import RunnableModel
from tests.explain.nets import nested, spots, two_spots
from tests.export.tiny_model import write_tiny_model


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


def explain(path, photos, options=None, metadata=None):
    explanation, faults = explain_files(path, metadata, photos, options or ExplainOptions())
    assert faults == []
    return explanation


def test_a_model_of_convtune(model, photo):
    explanation = explain(model, [photo, photo], metadata=read_metadata(model))
    assert explanation.classes == ("cat", "dog", "owl")
    assert explanation.parameters == 4 * 10 + 3 * 5
    assert (explanation.filters.layer, explanation.filters.kernels.shape, explanation.filters.count) == (
        "conv",
        (3, 3, 1, 4),
        4,
    )
    first, second = explanation.images
    np.testing.assert_array_equal(first.probabilities, second.probabilities)
    expected, _ = predict_files(RunnableModel(model), [photo])
    np.testing.assert_allclose(first.probabilities, expected[0], atol=1e-6)
    assert first.image.shape == (8, 8, 1)
    assert [(maps.layer, maps.values.shape, maps.channels) for maps in first.activation_maps] == [
        ("conv", (6, 6, 4), 4)
    ]
    assert (first.receptive_field.unit.layer, first.receptive_field.map_size, first.receptive_field.size) == (
        "conv",
        (6, 6),
        (3, 3),
    )
    assert [heatmap.values.shape for heatmap in first.heatmaps] == [(6, 6)] * 3
    assert [heatmap.class_index for heatmap in first.heatmaps] == list(np.argsort(-first.probabilities))


def test_the_strongest_unit_is_where_the_map_is_brightest(model, photo):
    (image,) = explain(model, [photo], metadata=read_metadata(model)).images
    (maps,) = image.activation_maps
    unit = image.receptive_field.unit
    assert maps.values[unit.row, unit.column, image.receptive_field.channel] == maps.values.max()
    assert image.receptive_field.box == (unit.row, unit.column, unit.row + 3, unit.column + 3)


def test_a_unit_and_few_classes_and_channels(model, photo):
    (image,) = explain(model, [photo], ExplainOptions(Unit("conv", 5, 0), 1, 2), read_metadata(model)).images
    assert image.receptive_field.box == (5, 0, 8, 3)
    assert len(image.heatmaps) == 1
    assert (image.activation_maps[0].values.shape, image.activation_maps[0].channels) == ((6, 6, 2), 4)


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family(tmp_path, photo, name):
    architecture = FAMILIES[name].build({}, (32, 32, 3), 3)
    metadata = ModelMetadata(("a", "b", "c"), (32, 32, 3), "d", "d", 0, "s", 0)
    save(build_inference_model(architecture, scale=[1 / 255] * 3, offset=[0.0] * 3), tmp_path / "m.keras")
    (image,) = explain(tmp_path / "m.keras", [photo], metadata=metadata).images
    assert len(image.activation_maps) == sum(isinstance(layer.op, Conv) for layer in architecture.layers)
    layers = {layer.name: layer for layer in architecture.layers}
    layer = layers[image.receptive_field.unit.layer]
    assert (image.receptive_field.size, image.receptive_field.unknown_layers) == ((layer.receptive_field,) * 2, ())
    grad_cam_layer = layers[image.heatmaps[0].layer]
    assert image.heatmaps[0].values.shape == grad_cam_layer.shape[:2] == layer.shape[:2]
    assert image.probabilities.sum() == pytest.approx(1, abs=1e-5)


def test_a_model_without_metadata(tmp_path):
    path = save(two_spots(), tmp_path / "m.keras")
    Image.fromarray((spots()[0] * 255).astype(np.uint8)).save(tmp_path / "spots.png")
    explanation = explain(path, [tmp_path / "spots.png"])
    assert explanation.classes == ("0", "1")
    (note,) = explanation.notes
    assert note == (
        "Pixels entered the model as 0 (black) to 1 (white), since it does not rescale them; --pixels changes that."
    )
    (image,) = explanation.images
    red = np.zeros((4, 4))
    red[0, 0], red[1, 1] = 1, 127 / 255
    np.testing.assert_allclose(image.heatmaps[0].values, red, atol=1e-6)
    doubled = explain(path, [tmp_path / "spots.png"], ExplainOptions(pixel_range=(0, 2))).images[0].activation_maps[0]
    np.testing.assert_allclose(doubled.values, 2 * image.activation_maps[0].values, rtol=1e-6)


def test_models_within_models(tmp_path, photo):
    explanation = explain(save(nested(), tmp_path / "m.keras"), [photo])
    assert {maps.layer for maps in explanation.images[0].activation_maps} == {
        "conv",
        "middle/shared",
        "middle/shared#2",
        "end/conv",
    }
    assert explanation.images[0].heatmaps[0].layer == "relu"


def test_a_file_of_the_old_form(tmp_path, photo):
    explanation = explain(save(two_spots("layer"), tmp_path / "m.h5"), [photo])
    assert explanation.images[0].probabilities.sum() == pytest.approx(1, abs=1e-6)


def test_a_model_of_any_size_and_without_classes(tmp_path, photo):
    image = keras.Input((None, None, 3), dtype="uint8")
    maps = keras.layers.SeparableConv2D(2, 3, padding="same")(keras.layers.Rescaling(1 / 255)(image))
    explanation = explain(save(keras.Model(image, maps), tmp_path / "m.keras"), [photo])
    assert explanation.images[0].image.shape == (11, 9, 3)
    assert (explanation.classes, explanation.images[0].heatmaps, explanation.images[0].probabilities.size) == (
        (),
        (),
        0,
    )
    assert explanation.filters.kernels.shape == (3, 3, 1, 3)


def test_grad_cam_is_taken_where_branches_have_met_and_before_the_head(tmp_path, photo):
    image = keras.Input((8, 8, 3))
    stem = keras.layers.Conv2D(4, 3, padding="same")(image)
    short = keras.layers.Conv2D(4, 1, name="short")(stem)
    both = keras.layers.Add(name="sum")([short, keras.layers.BatchNormalization()(stem)])
    last = keras.layers.ReLU(name="last")(both)
    squeezed = keras.layers.GlobalAveragePooling2D(keepdims=True)(last)
    logits = keras.layers.Flatten()(keras.layers.Conv2D(5, 1, name="logits")(squeezed))
    path = save(keras.Model(image, keras.layers.Softmax()(logits)), tmp_path / "m.keras")
    (image,) = explain(path, [photo]).images
    assert image.heatmaps[0].layer == "last"
    assert image.receptive_field.unit.layer == "short"


def test_files_that_cannot_be_read_are_reported_and_the_others_explained(model, photo, tmp_path):
    (tmp_path / "no.png").write_text("milk")
    explanation, (fault,) = explain_files(model, read_metadata(model), [tmp_path / "no.png", photo], ExplainOptions())
    assert len(explanation.images) == 1
    assert "no.png: not an image" in fault
    with pytest.raises(DataError, match=r"no\.png: not an image.*none of the 2 files"):
        explain_files(model, read_metadata(model), [tmp_path / "no.png"] * 2, ExplainOptions())


def models():
    """Models that cannot be explained, and the error for each."""
    image, other = keras.Input((4, 4, 3), name="image"), keras.Input((2,), name="other")
    flat = keras.layers.Flatten()
    conv = keras.layers.Conv2D(2, 1)
    return {
        "got a model without one": keras.Model(image, keras.layers.Dense(2)(flat(image))),
        r"got 2 inputs \(image, other\)": keras.Model(
            [image, other], keras.layers.Concatenate()([flat(conv(image)), other])
        ),
        r"got \(4, 4, 2\)": keras.Model(four := keras.Input((4, 4, 2)), keras.layers.Conv2D(2, 1)(four)),
    }


@pytest.mark.parametrize("part", models())
def test_models_that_cannot_be_explained(tmp_path, photo, part):
    with pytest.raises(ModelError, match=part):
        explain_files(save(models()[part], tmp_path / "m.keras"), None, [photo], ExplainOptions())


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (ExplainOptions(Unit("cnv", 0, 0)), "no layer 'cnv' with a map, did you mean 'conv'"),
        (ExplainOptions(Unit("dense", 0, 0)), "no layer 'dense' with a map"),
        (ExplainOptions(Unit("conv", 6, 0)), "conv has a map of 6x6, so expected a row from 0 to 5"),
        (ExplainOptions(pixel_range=(0, 1)), "--pixels: .* takes pixels as they are"),
    ],
)
def test_options_that_the_model_does_not_have(model, photo, options, part):
    with pytest.raises(JobError, match=part):
        explain_files(model, read_metadata(model), [photo], options)


def test_weights_that_are_damaged(tmp_path, photo):
    broken = write_tiny_model(tmp_path / "broken.keras", bias=float("nan"))
    with pytest.raises(ModelError, match="gives NaN"):
        explain_files(broken, read_metadata(broken), [photo], ExplainOptions())


def test_an_image_too_small_for_the_model(tmp_path):
    image = keras.Input((None, None, 3))
    save(keras.Model(image, keras.layers.Conv2D(2, 5)(image)), tmp_path / "m.keras")
    Image.new("RGB", (3, 3)).save(tmp_path / "small.png")
    with pytest.raises(ModelError, match="does not take images of 3x3x3"):
        explain_files(tmp_path / "m.keras", None, [tmp_path / "small.png"], ExplainOptions())


def test_validation_images_right_and_wrong(tmp_path):
    data = load("digits", fetch=lambda name, folder: None)
    model = write_tiny_model(tmp_path / "m.keras", classes=data.classes)
    explanation = explain_validation(model, data)
    wrong = [int(image.probabilities.argmax()) != image.label for image in explanation.images]
    assert wrong == sorted(wrong)
    assert sum(wrong) == 3
    for image in explanation.images:
        row = int(image.title.rpartition(" ")[2])
        assert row in data.validation
        assert image.label == data.labels[row]
        np.testing.assert_array_equal(image.image, data.images[row])
        assert image.label in [heatmap.class_index for heatmap in image.heatmaps]


def test_names_of_others_are_fit_for_a_line(tmp_path, photo):
    """A class, layers and files."""
    images = keras.Input((8, 8, 1))
    maps = keras.layers.Conv2D(2, 3, name="con\nv")(images)
    maps = keras.layers.ReLU(name="re\x1blu")(maps)
    output = keras.layers.Softmax()(keras.layers.Dense(2)(keras.layers.Flatten()(maps)))
    path = save(keras.Model(images, output), tmp_path / "a\x85.keras")
    metadata = ModelMetadata(("c\x1b[31m", "d"), (8, 8, 1), "d", "d", 0, "s", 0)
    odd = photo.rename(tmp_path / "da\nrk.png")
    explanation = explain(path, [odd], metadata=metadata)
    [image] = explanation.images
    assert (explanation.name, explanation.classes) == (r"a\x85.keras", (r"c\x1b[31m", "d"))
    assert (image.title, explanation.filters.layer) == (r"da\nrk.png", r"con\nv")
    assert image.activation_maps[0].after == (r"re\x1blu",)
    assert image.heatmaps[0].layer == r"re\x1blu"
    assert image.image.shape == (8, 8, 1)
