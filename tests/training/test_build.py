"""The promises of the architecture, held against Keras itself."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from pipeline.architecture import FAMILIES, Infeasible
from pipeline.architecture.architecture_builder import ArchitectureBuilder
from pipeline.architecture.ops import (
    Activation,
    Add,
    BatchNorm,
    Concat,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool,
    Pool,
)
from pipeline.data.decode import fit_image
from pipeline.training.build import build_inference_model, build_training_model, keras_layer
from tests.architecture.draws import random_params
from tests.architecture.published import POINTS, published_params
from tests.architecture.published import SIDES as SIDES_PUBLISHED

DRAWS = 100
PIXELS = {"scale": [1 / 255] * 3, "offset": [-0.5] * 3}
SLOW = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@pytest.fixture(autouse=True)
def _fresh():
    keras.utils.clear_session()
    keras.utils.set_random_seed(0)
    yield
    keras.config.set_dtype_policy("float32")


def images(n, shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, *shape), dtype=np.uint8)


def branched():
    """Every op at once: a skip, branches of two sizes, groups, both paddings, both heads' inputs."""
    builder = ArchitectureBuilder((12, 10, 3), 4)
    builder.add("stem", Conv(8, 3, 2, "same", bias=False))
    builder.add("norm", BatchNorm())
    stem = builder.add("relu", Activation("relu"))
    builder.add("grouped", Conv(8, 3, groups=4))
    skip = builder.add("sum", Add(), "grouped", stem)
    builder.add("pooled", Pool("average", 3, 1, "same"), skip)
    wide = builder.add("wide", Conv(4, 5), skip)
    builder.add("meet", Concat(), skip, "pooled", wide)
    builder.add("max", Pool("max", 3, 2, "valid"))
    builder.add("mean", GlobalAveragePool(), "max")
    builder.add("flat", Flatten(), "max")
    builder.add("features", Concat(), "mean", "flat")
    builder.add("dense", Dense(6))
    builder.add("dropout", Dropout(0.5))
    return builder.finish()


def plain(shape=(28, 28, 1), classes=10, /, **params):
    return FAMILIES["plain"].build(params, shape, classes)


def built(architecture, **settings):
    channels = architecture.input_shape[-1]
    return build_training_model(
        architecture, **{"scale": [1 / 255] * channels, "offset": [-0.5] * channels, **settings}
    )


def count(variables):
    return sum(int(np.prod(variable.shape)) for variable in variables)


def positions(shape):
    return int(np.prod(shape[:-1]))


def assert_same(layer, theirs, inputs):
    """Shape, parameters and multiply-accumulates of ``layer`` are those of a built Keras layer."""
    shapes = [(None, *shape) for shape in inputs]
    assert theirs.compute_output_shape(shapes if len(shapes) > 1 else shapes[0]) == (None, *layer.shape), layer
    assert count(theirs.trainable_weights) == layer.parameters, layer
    assert count(theirs.non_trainable_variables) - count(_seeds(theirs)) == layer.non_trainable, layer
    kernels = [weight for weight in theirs.trainable_weights if weight.name == "kernel"]
    assert positions(layer.shape) * count(kernels) == layer.macs, layer


def _seeds(layer):
    return [variable for variable in layer.non_trainable_variables if "seed" in variable.name]


SIDES = st.integers(4, 40)


@st.composite
def architectures(draw, family):
    """An architecture of the family on some image."""
    shape = draw(st.tuples(SIDES, SIDES, st.sampled_from([1, 3])))
    try:
        return FAMILIES[family].build(draw(random_params(family)), shape, draw(st.integers(2, 12)))
    except Infeasible:
        assume(False)


def assert_as_in_keras(architecture, checked):
    """Every layer, each kind with the same inputs once; ``checked`` remembers them."""
    shapes = {"image": architecture.input_shape}
    for layer in architecture.layers:
        inputs = [shapes[name] for name in layer.inputs]
        shapes[layer.name] = layer.shape
        if (layer.op, *inputs) not in checked:
            checked.add((layer.op, *inputs))
            theirs = keras_layer(layer)
            theirs.build([(None, *shape) for shape in inputs] if len(inputs) > 1 else (None, *inputs[0]))
            assert_same(layer, theirs, inputs)


@pytest.mark.parametrize("family", FAMILIES)
def test_shapes_parameters_and_macs_are_those_of_keras(family):
    checked = set()

    @settings(max_examples=DRAWS, **SLOW)
    @given(architectures(family))
    def check(architecture):
        assert_as_in_keras(architecture, checked)

    check()
    assert len(checked) >= DRAWS


@pytest.mark.parametrize("name", POINTS)
def test_a_twentieth_of_a_published_network_is_as_in_keras(name):
    family, side = FAMILIES[str(POINTS[name]["family"])], SIDES_PUBLISHED[name]
    assert_as_in_keras(family.build(published_params(name, width=0.05), (side, side, 3), 10), set())


@settings(max_examples=150, **SLOW)
@given(
    st.tuples(st.integers(1, 6), st.integers(1, 6)),
    st.integers(1, 5),
    st.integers(1, 3),
    st.sampled_from(["same", "valid"]),
    st.sampled_from(["conv", "max", "average"]),
    st.sampled_from([1, 2, 3]),
)
def test_infeasible_is_exactly_what_keras_refuses(side, size, stride, padding, kind, groups):
    builder = ArchitectureBuilder((*side, 6), 2)
    op = Conv(4, size, stride, padding, groups) if kind == "conv" else Pool(kind, size, stride, padding)
    try:
        builder.add("one", op)
        builder.add("head", Flatten())
        layer = builder.finish().layers[0]
    except Infeasible:
        with pytest.raises(ValueError, match=r"zero or negative|evenly divisible|multiple of|groups"):
            _bare(op)((None, *side, 6))
    else:
        assert _bare(op)((None, *side, 6)) == (None, *layer.shape)


def _bare(op):
    """Keras's rule for the shape, with the layer made from nothing of ours."""
    if isinstance(op, Pool):
        kinds = {"max": keras.layers.MaxPooling2D, "average": keras.layers.AveragePooling2D}
        return kinds[op.kind](op.size, op.stride, op.padding).compute_output_shape

    def shape(inputs):
        layer = keras.layers.Conv2D(op.filters, op.kernel, op.stride, op.padding, groups=op.groups)
        layer.build(inputs)
        return layer.compute_output_shape(inputs)

    return shape


@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=2, phases=[Phase.generate], **SLOW)
@given(data=st.data())
def test_a_whole_model_has_the_layers_and_counts_of_its_architecture(family, data):
    architecture = data.draw(architectures(family))
    keras.utils.clear_session()
    model = built(architecture)
    named = {"image", "rescaling", *(layer.name for layer in architecture.layers)}
    assert {layer.name for layer in model.layers} == named
    assert count(model.trainable_weights) == architecture.parameters
    assert count(model.non_trainable_weights) == architecture.non_trainable
    assert model.input_shape == (None, *architecture.input_shape)
    logits = model.predict_on_batch(images(2, architecture.input_shape))
    assert logits.shape == (2, architecture.classes)
    assert np.isfinite(logits).all()


def test_branches_and_skips_are_wired_as_described():
    architecture = branched()
    model, shapes = built(architecture), {"image": architecture.input_shape}
    for layer in architecture.layers:
        theirs = model.get_layer(layer.name)
        assert_same(layer, theirs, [shapes[name] for name in layer.inputs])
        assert tuple(theirs.output.shape) == (None, *layer.shape)
        shapes[layer.name] = layer.shape
    probe = keras.Model(model.input, [model.get_layer(name).output for name in ("relu", "grouped", "sum", "meet")])
    relu, grouped, total, meet = probe.predict_on_batch(images(2, architecture.input_shape))
    np.testing.assert_allclose(relu + grouped, total, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(meet[..., :8], total, rtol=1e-5, atol=1e-5)


FEW = {"blocks": 2, "stages": 2, "modules": 1, "stage_blocks": 1, "width": 0.3}
GROUPED = {"block": "bottleneck", "cardinality": 4, "group_width": 16, "order": "pre", "projection": "pooled"}
SMALL = {name: family.build(FEW, (16, 16, 3), 4) for name, family in FAMILIES.items()}
SMALL |= {"grouped": FAMILIES["residual"].build(FEW | GROUPED, (16, 16, 3), 4)}
every_small = pytest.mark.parametrize("architecture", SMALL.values(), ids=SMALL)


@pytest.mark.parametrize("architecture", [*SMALL.values(), branched()], ids=[*SMALL, "branched"])
def test_a_saved_model_loads_safely_and_answers_the_same(architecture, tmp_path):
    model, batch = build_inference_model(architecture, **PIXELS), images(3, architecture.input_shape)
    path = tmp_path / "model.keras"
    model.save(path)
    loaded = keras.saving.load_model(path, compile=False, safe_mode=True)
    answer = model.predict_on_batch(batch)
    np.testing.assert_array_equal(loaded.predict_on_batch(batch), answer)
    np.testing.assert_allclose(loaded.predict_on_batch(batch / 255), answer, atol=1e-4)
    assert {type(layer).__module__.split(".")[0] for layer in loaded.layers} == {"keras"}


@every_small
def test_one_step_lowers_the_loss_and_the_inference_model_takes_the_weights(architecture):
    model, batch = built(architecture), images(16, architecture.input_shape)
    labels = np.arange(16) % 4
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.003), loss, jit_compile=False)
    before = float(loss(labels, model(batch, training=True)))
    model.train_on_batch(batch, labels)
    assert float(loss(labels, model(batch, training=True))) < before
    inference_model = build_inference_model(architecture, **PIXELS)
    inference_model.set_weights(model.get_weights())
    expected = keras.ops.softmax(model.predict_on_batch(batch))
    np.testing.assert_allclose(inference_model.predict_on_batch(batch), expected, atol=1e-5)


def test_the_inference_model_resizes_large_images_as_the_training_images_were():
    model = build_inference_model(branched(), **PIXELS)
    resized = keras.Model(model.input, model.get_layer("resizing").output)
    (large,) = images(1, (120, 90, 3))
    decoded = fit_image(Image.fromarray(large), (12, 10, 3))
    np.testing.assert_allclose(resized.predict_on_batch(large[None])[0], decoded, atol=1)  # one level: it is rounded


def test_pixels_are_rescaled_channel_by_channel():
    model = build_training_model(branched(), scale=[1.0, 0.5, 2.0], offset=[0.0, -1.0, 3.0])
    batch = images(2, (12, 10, 3))
    rescaled = keras.Model(model.input, model.get_layer("rescaling").output).predict_on_batch(batch)
    np.testing.assert_allclose(rescaled, batch * np.array([1.0, 0.5, 2.0]) + np.array([0.0, -1.0, 3.0]), rtol=1e-6)
    assert model.input.dtype == "uint8"


def test_mixed_precision_computes_in_16_bits_between_float32_pixels_and_logits():
    keras.config.set_dtype_policy("mixed_bfloat16")
    model = built(plain())
    assert model.get_layer("rescaling").compute_dtype == "float32"
    assert model.get_layer("block1_conv1").compute_dtype == "bfloat16"
    logits = model.predict_on_batch(images(2, (28, 28, 1)))
    assert logits.dtype == np.float32
    assert np.isfinite(logits).all()


def test_convolutions_begin_as_he_and_dense_layers_as_glorot():
    model = built(plain(filters=64, fc_width=512))
    kernel = keras.ops.convert_to_numpy(model.get_layer("block2_conv1").kernel)
    assert kernel.std() == pytest.approx((2 / (9 * 64)) ** 0.5, rel=0.02)
    kernel = keras.ops.convert_to_numpy(model.get_layer("fc1").kernel)
    assert abs(kernel).max() == pytest.approx((6 / (3 * 3 * 64 + 512)) ** 0.5, rel=0.01)


def test_the_seed_decides_the_weights():
    def first(seed):
        keras.utils.set_random_seed(seed)
        return built(plain()).get_weights()[0]

    np.testing.assert_array_equal(first(1), first(1))
    assert not np.array_equal(first(1), first(2))


def test_a_step_trains_groups():
    params = {"blocks": 1, "filters": 6, "convs": 2, "groups_1_2": 6, "norm": "none"}
    model = built(plain((8, 8, 3), 5, **params))
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    before = model.get_weights()[2]
    assert before.shape == (3, 3, 1, 6)
    model.train_on_batch(images(4, (8, 8, 3)), np.arange(4))
    assert np.any(before != model.get_weights()[2])
    logits = model.predict_on_batch(np.zeros((2, 8, 8, 3), "uint8"))
    assert logits.shape == (2, 5)
    assert np.isfinite(logits).all()
