import math

from hypothesis import given
from hypothesis import strategies as st

from pipeline.architecture.architecture_builder import ArchitectureBuilder
from pipeline.architecture.layer import INPUT
from pipeline.architecture.memory import count_peak_values
from pipeline.architecture.ops import Activation, Add, BatchNorm, Conv, Dense, Dropout, Flatten, GlobalAveragePool, Pool


def peak(architecture):
    """What is held, without the copy of the largest output that kernels work in."""
    workspace = max(math.prod(layer.shape) for layer in architecture.layers)
    return count_peak_values(architecture.input_shape, architecture.layers) - workspace


def test_one_layer_by_hand():
    builder = ArchitectureBuilder((2, 2, 3), 5)
    builder.add("head", Flatten())
    # The dense layer keeps its 12 inputs, which flatten shares with the image; the logits have 5 gradients.
    assert peak(builder.finish()) == 12 + 5


def test_a_chain_by_hand():
    builder = ArchitectureBuilder((4, 4, 1), 2)
    builder.add("conv", Conv(2, 3))  # reads the image again: 16
    builder.add("norm", BatchNorm())  # reads the conv's output again: 32
    builder.add("activation", Activation("relu"))  # reads its own output again: 32
    builder.add("head", GlobalAveragePool())  # reads nothing; its 2 outputs are kept for the dense layer
    architecture = builder.finish()
    at_activation = 16 + 32 + 32 + 32 + 32  # kept, and the gradients of its output and its input
    at_norm = 16 + 32 + 32 + 32
    assert peak(architecture) == at_activation > at_norm


def test_an_output_is_held_until_the_first_layer_that_needs_it():
    builder = ArchitectureBuilder((4, 4, 1), 2)
    builder.add("wide", Conv(8, 3))  # keeps the image: 16
    builder.add("activation", Activation("relu"))  # keeps its output for itself and for the next: 128
    builder.add("narrow", Conv(1, 1, 4))
    builder.add("head", Flatten())
    assert peak(builder.finish()) == 16 + 128 + 128 + 128  # at the activation, with both its gradients


def test_what_is_kept_beside_inputs_and_outputs():
    def network(op):
        builder = ArchitectureBuilder((4, 4, 1), 2)
        builder.add("conv", Conv(2, 3))
        builder.add("op", op)
        builder.add("head", Flatten())
        return peak(builder.finish())

    at_logits = 16 + 32 + 32 + 2  # the image and the dense layer's input, the gradients of that and of the logits
    assert network(Activation("relu")) == 16 + 32 + 64  # at the activation, when the rest is gone
    assert network(Activation("silu")) == at_logits + 32
    assert network(Activation("gelu")) == at_logits + 32 + 2 * 32
    assert network(Dropout(0.5)) == at_logits + 32


def test_the_largest_output_counts_once_more_for_kernels_to_work_in():
    builder = ArchitectureBuilder((4, 4, 1), 2)
    builder.add("head", Flatten())
    builder.add("wide", Dense(50))
    architecture = builder.finish()
    assert count_peak_values((4, 4, 1), architecture.layers) == peak(architecture) + 50


def test_the_gradient_of_a_skip_lives_across_the_branch():
    def network(source):
        builder = ArchitectureBuilder((8, 8, 4), 2)
        builder.add("stem", Conv(4, 3))
        builder.add("branch", Conv(4, 3))
        builder.add("branch2", Conv(4, 3))
        builder.add("sum", Add(), "branch2", source)
        builder.add("head", GlobalAveragePool())
        return builder.finish()

    image = 8 * 8 * 4
    # At branch2 both keep three inputs and hold two gradients; the gradient of the skip waits beside them, but not
    # for the image, which needs none.
    assert peak(network("stem")) == 6 * image
    assert peak(network(INPUT)) == 5 * image


@given(st.integers(1, 4), st.integers(1, 8), st.sampled_from(["max", "average"]))
def test_a_maximum_keeps_what_an_average_does_not(blocks, filters, kind):
    def memory(kind):
        builder = ArchitectureBuilder((32, 32, 3), 10)
        for block in range(blocks):
            builder.add(f"conv{block}", Conv(filters, 3))
            builder.add(f"pool{block}", Pool(kind, 2, 2))
        builder.add("head", Flatten())
        return peak(builder.finish())

    assert memory("max") > memory("average")


def test_bytes_are_weights_and_a_batch_of_activations():
    builder = ArchitectureBuilder((6, 6, 1), 3)
    builder.add("conv", Conv(2, 3))
    builder.add("norm", BatchNorm())
    builder.add("head", Flatten())
    architecture = builder.finish()
    weights, values = (
        4 * (architecture.parameters * 3 + architecture.non_trainable),
        4 * count_peak_values((6, 6, 1), architecture.layers),
    )
    assert architecture.memory(1) == weights + values
    assert architecture.memory(32) == weights + 32 * values
    assert architecture.memory(1) - architecture.memory(1, optimizer_slots=1) == 4 * architecture.parameters
