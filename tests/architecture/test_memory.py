import math

from hypothesis import given
from hypothesis import strategies as st

from pipeline.architecture.layer import INPUT
from pipeline.architecture.memory import peak_values
from pipeline.architecture.network import Network
from pipeline.architecture.ops import Activation, Add, BatchNorm, Conv, Dense, Dropout, Flatten, GlobalAveragePool, Pool


def peak(architecture):
    """What is held, without the copy of the largest output that kernels work in."""
    workspace = max(math.prod(layer.shape) for layer in architecture.layers)
    return peak_values(architecture.input_shape, architecture.layers) - workspace


def test_one_layer_by_hand():
    network = Network((2, 2, 3), 5)
    network.add("head", Flatten())
    # The dense layer keeps its 12 inputs, which flatten shares with the image; the logits have 5 gradients.
    assert peak(network.finish()) == 12 + 5


def test_a_chain_by_hand():
    network = Network((4, 4, 1), 2)
    network.add("conv", Conv(2, 3))  # reads the image again: 16
    network.add("norm", BatchNorm())  # reads the conv's output again: 32
    network.add("activation", Activation("relu"))  # reads its own output again: 32
    network.add("head", GlobalAveragePool())  # reads nothing; its 2 outputs are kept for the dense layer
    architecture = network.finish()
    at_activation = 16 + 32 + 32 + 32 + 32  # kept, and the gradients of its output and its input
    at_norm = 16 + 32 + 32 + 32
    assert peak(architecture) == at_activation > at_norm


def test_an_output_is_held_until_the_first_layer_that_needs_it():
    network = Network((4, 4, 1), 2)
    network.add("wide", Conv(8, 3))  # keeps the image: 16
    network.add("activation", Activation("relu"))  # keeps its output for itself and for the next: 128
    network.add("narrow", Conv(1, 1, 4))
    network.add("head", Flatten())
    assert peak(network.finish()) == 16 + 128 + 128 + 128  # at the activation, with both its gradients


def test_what_is_kept_beside_inputs_and_outputs():
    def network(op):
        one = Network((4, 4, 1), 2)
        one.add("conv", Conv(2, 3))
        one.add("op", op)
        one.add("head", Flatten())
        return peak(one.finish())

    at_logits = 16 + 32 + 32 + 2  # the image and the dense layer's input, the gradients of that and of the logits
    assert network(Activation("relu")) == 16 + 32 + 64  # at the activation, when the rest is gone
    assert network(Activation("silu")) == at_logits + 32
    assert network(Activation("gelu")) == at_logits + 32 + 2 * 32
    assert network(Dropout(0.5)) == at_logits + 32


def test_the_largest_output_counts_once_more_for_kernels_to_work_in():
    network = Network((4, 4, 1), 2)
    network.add("head", Flatten())
    network.add("wide", Dense(50))
    architecture = network.finish()
    assert peak_values((4, 4, 1), architecture.layers) == peak(architecture) + 50


def test_the_gradient_of_a_skip_lives_across_the_branch():
    def network(source):
        one = Network((8, 8, 4), 2)
        one.add("stem", Conv(4, 3))
        one.add("branch", Conv(4, 3))
        one.add("branch2", Conv(4, 3))
        one.add("sum", Add(), "branch2", source)
        one.add("head", GlobalAveragePool())
        return one.finish()

    image = 8 * 8 * 4
    # At branch2 both keep three inputs and hold two gradients; the gradient of the skip waits beside them, but not
    # for the image, which needs none.
    assert peak(network("stem")) == 6 * image
    assert peak(network(INPUT)) == 5 * image


@given(st.integers(1, 4), st.integers(1, 8), st.sampled_from(["max", "average"]))
def test_a_maximum_keeps_what_an_average_does_not(blocks, filters, kind):
    def memory(kind):
        network = Network((32, 32, 3), 10)
        for block in range(blocks):
            network.add(f"conv{block}", Conv(filters, 3))
            network.add(f"pool{block}", Pool(kind, 2, 2))
        network.add("head", Flatten())
        return peak(network.finish())

    assert memory("max") > memory("average")


def test_bytes_are_weights_and_a_batch_of_activations():
    network = Network((6, 6, 1), 3)
    network.add("conv", Conv(2, 3))
    network.add("norm", BatchNorm())
    network.add("head", Flatten())
    architecture = network.finish()
    weights, values = (
        4 * (architecture.parameters * 3 + architecture.non_trainable),
        4 * peak_values((6, 6, 1), architecture.layers),
    )
    assert architecture.memory(1) == weights + values
    assert architecture.memory(32) == weights + 32 * values
    assert architecture.memory(1) - architecture.memory(1, optimizer_slots=1) == 4 * architecture.parameters
