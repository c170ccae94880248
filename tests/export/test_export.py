"""Exported models are written and proven."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.errors import ModelError
from pipeline.export import FORMATS, export
from pipeline.export.samples import Samples, make_up_samples
from pipeline.study.model_metadata import read_metadata
from pipeline.training.predict import predict_arrays
from tests.export.image_files import save_jpegs
from tests.export.tiny_model import write_tiny_model

SHAPE = (8, 8, 1)
SAMPLES = replace(make_up_samples(SHAPE), calibration=make_up_samples(SHAPE).images)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_tiny_model(tmp_path_factory.mktemp("model") / "model.keras")


def broken(monkeypatch, **changes):
    monkeypatch.setitem(FORMATS, "keras2", replace(FORMATS["keras"], name="keras2", **changes))


def giving(change):
    """A ``load`` of a file that gives ``change(probabilities, images)``."""

    def load(path):
        predict = FORMATS["keras"].load(path)
        return lambda images: change(predict(images), images)

    return load


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    files = save_jpegs(tmp_path_factory.mktemp("photographs"))
    return replace(SAMPLES, files=files, source="photographs")


def test_every_format_on_photographs_at_their_own_size(model, tmp_path, photographs):
    names, steps = list(FORMATS), []
    results = export(model, tmp_path, names, photographs, lambda done, total: steps.append((done, total)))
    assert [result.format for result in results] == names
    assert steps == [(done, len(names)) for done in range(len(names))]
    for result in results:
        assert (tmp_path / result.file).exists()
        assert (result.images, result.accuracy) == (100, None)
        assert result.own_size == (2 if FORMATS[result.format].any_size else 0)
        assert result.bytes > 1000
        if FORMATS[result.format].exact:
            assert (result.difference <= 1e-4, result.agreement) == (True, 1)
    assert read_metadata(tmp_path / "model.keras").classes == ("cat", "dog", "owl")


def test_the_loss_of_accuracy_of_a_rounded_format(model, tmp_path):
    right = predict_arrays(model, SAMPLES.images).argmax(axis=1)
    labels = np.where(np.arange(100) < 90, right, (right + 1) % 3)
    samples = Samples(SAMPLES.images, labels, "pictures", SAMPLES.calibration)
    (result,) = export(model, tmp_path, ["litert-int8"], samples)
    assert result.accuracy_of_model == pytest.approx(0.9)
    taken_for_others = 1 - result.agreement
    assert abs(result.accuracy - 0.9) <= taken_for_others + 1e-9
    assert 0 < result.difference < 0.1


def test_an_exact_format_with_another_output_is_refused(model, tmp_path, monkeypatch):
    broken(monkeypatch, load=giving(lambda right, images: right + np.float32(2e-4)))
    with pytest.raises(ModelError, match=r"model\.keras differs from the model by 0\.0002, expected at most 0\.0001"):
        export(model, tmp_path, ["keras2"], SAMPLES)


def test_a_rounded_format_may_have_another_output(model, tmp_path, monkeypatch):
    broken(monkeypatch, load=giving(lambda right, images: right + np.float32(2e-4)), exact=False)
    (result,) = export(model, tmp_path, ["keras2"], SAMPLES)
    assert result.difference == pytest.approx(2e-4, rel=0.01)


@pytest.mark.parametrize("shape", [(8, 8), (29, 19)], ids=["of its own size", "of another size"])
def test_images_with_nan_do_not_agree(model, tmp_path, monkeypatch, shape):
    broken(monkeypatch, load=giving(lambda right, images: right * np.nan if images.shape[1:3] == shape else right))
    with pytest.raises(ModelError, match="differs from the model by nan"):
        export(model, tmp_path, ["keras2"], SAMPLES)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda images: images.dtype == np.float32 and images.max() > 1,
        lambda images: images.dtype == np.float32 and images.max() <= 1,
        lambda images: images.shape[1:3] == (480, 640),
    ],
    ids=["pixels of float32", "pixels from 0 to 1", "a file at its own size"],
)
def test_every_kind_of_input_counts(model, tmp_path, monkeypatch, photographs, wrong):
    broken(monkeypatch, load=giving(lambda right, images: right + np.float32(0.01 * wrong(images))))
    with pytest.raises(ModelError, match=r"model\.keras differs from the model by 0\.01"):
        export(model, tmp_path, ["keras2"], photographs)


def test_a_resizing_that_is_not_the_models_is_refused(model, tmp_path, photographs, monkeypatch):
    """Without its filter, it takes single pixels of a large photograph, as many runtimes do."""

    def nearest(size, new):
        import tensorflow as tf

        centres = (tf.range(new, dtype="float32") + 0.5) * tf.cast(size, "float32") / new
        return tf.one_hot(tf.cast(centres, "int32"), size)

    monkeypatch.setattr("pipeline.export.portable._filters", nearest)
    monkeypatch.setattr("pipeline.export.proof._make_up", lambda shape: photographs.images[:3])
    export(model, tmp_path, ["onnx"], SAMPLES)
    with pytest.raises(ModelError, match=r"model\.onnx differs from the model by"):
        export(model, tmp_path, ["onnx"], photographs)


def test_a_format_that_is_calibrated_needs_training_images(model, tmp_path):
    expected = "litert-int8 is calibrated with training images, and there are none among 100 images of random pixels"
    with pytest.raises(ModelError, match=expected):
        export(model, tmp_path, ["keras", "litert-int8"], make_up_samples(SHAPE))
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_read_back_is_refused(model, tmp_path, monkeypatch):
    broken(monkeypatch, write=lambda source, target, images: target.write_bytes(source.read_bytes()[:2000]))
    with pytest.raises(ModelError, match=r"model\.keras: Keras cannot read this model"):
        export(model, tmp_path, ["keras2"], SAMPLES)


def test_a_converter_that_fails_is_one_line(model, tmp_path, monkeypatch):
    def write(source, target, images):
        raise KeyError("no such op\nand a hundred more lines")

    broken(monkeypatch, write=write)
    with pytest.raises(ModelError, match=r"^model\.keras cannot be written: .*no such op"):
        export(model, tmp_path, ["keras2"], SAMPLES)
