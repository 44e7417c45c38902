"""Chapter one reproduces both tutorials, number for number, and its gradients are derivatives."""

from __future__ import annotations

import copy
import importlib.util
import json
import math
import random
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from pellucid.errors import OptionError, ShapeError
from pellucid.scalar import ACTIVATIONS, Layer, Network, Neuron, NeuronGradient, half_squared_error, sigmoid, summed

GOLDEN = Path(__file__).parent / "golden"
XOR_ROWS = [[0, 0], [0, 1], [1, 0], [1, 1]]
XOR_TARGETS = [[0], [1], [1], [0]]
EPS = sys.float_info.epsilon


@pytest.fixture(scope="module")
def goldens() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((GOLDEN / "seed_goldens.json").read_text())
    return loaded


@pytest.fixture(scope="module")
def tutorial() -> ModuleType:
    """The tutorials as plain NumPy, from which the golden numbers were computed."""
    spec = importlib.util.spec_from_file_location("make_seed_goldens", GOLDEN / "make_seed_goldens.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def table(layer: Layer) -> list[list[float]]:
    """The layer's weights as the tutorials write them: (n_inputs, n_neurons)."""
    return np.transpose([neuron.weights for neuron in layer.neurons]).tolist()  # type: ignore[no-any-return]


def biases(layer: Layer) -> list[list[float]]:
    return [[math.nan if neuron.bias is None else neuron.bias for neuron in layer.neurons]]


def outputs(network: Network, rows: list[list[int]]) -> list[list[float]]:
    return [network.forward(row)[-1] for row in rows]


def described(network: Network) -> list[dict[str, Any]]:
    assert list(vars(network)) == ["layers"]
    return [vars(neuron) for layer in network.layers for neuron in layer.neurons]


def xor_network(start: int) -> Network:
    drawn = np.random.RandomState(start)
    return Network([Layer(drawn.randn(2, 3).tolist(), [0.0] * 3), Layer(drawn.randn(3, 1).tolist(), [0.0])])


def test_single_layer_tutorial_arrives_at_its_exact_numbers(goldens: dict[str, Any]) -> None:
    golden = goldens["single_layer"]
    rows, targets = [[0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]], [[0], [1], [1], [0]]
    network = Network([Layer(golden["initial_weights"])])
    for _ in range(9_999):
        network.train_epoch(rows, targets, learning_rate=1.0)
    np.testing.assert_allclose(outputs(network, rows), golden["outputs_before_last_update"], rtol=0, atol=1e-9)
    network.train_epoch(rows, targets, learning_rate=1.0)
    np.testing.assert_allclose(table(network.layers[0]), golden["final_weights"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(outputs(network, rows), golden["outputs"], rtol=0, atol=1e-9)


@pytest.mark.parametrize("start", [0, 1, 2, 3, 42])
def test_xor_tutorial_arrives_at_its_exact_numbers(start: int, goldens: dict[str, Any]) -> None:
    golden = goldens["xor"][str(start)]
    network = xor_network(start)
    for _ in range(10_000):
        network.train_epoch(XOR_ROWS, XOR_TARGETS, learning_rate=0.1)
    hidden, output = network.layers
    for got, name in ((table(hidden), "W1"), (biases(hidden), "b1"), (table(output), "W2"), (biases(output), "b2")):
        np.testing.assert_allclose(got, golden[name], rtol=0, atol=1e-9, err_msg=name)
    np.testing.assert_allclose(outputs(network, XOR_ROWS), golden["outputs"], rtol=0, atol=1e-9)
    loss = sum(map(half_squared_error, outputs(network, XOR_ROWS), XOR_TARGETS))
    assert 2 * loss / len(XOR_ROWS) == pytest.approx(golden["mean_squared_error"], rel=1e-9)


@pytest.mark.parametrize("start", [5, 74])  # with start 74 the network never solves the problem
def test_first_epochs_follow_the_tutorial_step_for_step(start: int, tutorial: ModuleType) -> None:
    network = xor_network(start)
    for epoch in range(1, 6):
        network.train_epoch(XOR_ROWS, XOR_TARGETS, learning_rate=0.1)
        expected = tutorial.xor(start, epochs=epoch)
        # Some 40 roundings a step (sums of 4 rows and 3 neurons, twice), each of at most eps times a number below 4.
        tolerance = 40 * epoch * 4 * EPS
        np.testing.assert_allclose(table(network.layers[0]), expected["W1"], rtol=0, atol=tolerance)
        np.testing.assert_allclose(biases(network.layers[1]), expected["b2"], rtol=0, atol=tolerance)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradient_equals_central_difference(activation: str, bias: bool) -> None:
    rng = random.Random(3)
    network = Network.with_random_weights([3, 4, 2], rng, activation)
    row, target = [rng.gauss(0, 1) for _ in range(3)], [rng.random(), rng.random()]
    for layer in network.layers:  # biases other than zero, so that a forgotten bias shows
        for neuron in layer.neurons:
            neuron.bias = rng.gauss(0, 1) if bias else None
    gradients = network.backward(network.forward(row), target)
    step = EPS ** (1 / 3)  # balances rounding, eps / step, against truncation, step²
    tolerance = 100 * step**2  # third derivatives of these losses stay below 600

    def loss() -> float:
        return half_squared_error(network.forward(row)[-1], target)

    for layer, gradients_of_layer in zip(network.layers, gradients, strict=True):
        for neuron, (dw, db) in zip(layer.neurons, gradients_of_layer, strict=True):
            for i, derivative in enumerate(dw):
                weight = neuron.weights[i]
                neuron.weights[i] = weight + step
                above = loss()
                neuron.weights[i] = weight - step
                below = loss()
                neuron.weights[i] = weight
                assert derivative == pytest.approx((above - below) / (2 * step), rel=tolerance, abs=tolerance)
            if neuron.bias is not None:
                value = neuron.bias
                neuron.bias = value + step
                above = loss()
                neuron.bias = value - step
                below = loss()
                neuron.bias = value
                assert db == pytest.approx((above - below) / (2 * step), rel=tolerance, abs=tolerance)


def test_derivative_of_inputs_equals_central_difference() -> None:
    layer = Layer([[0.3, 1.2], [-0.8, 0.4]], [0.1, -0.2], "tanh")
    x, da = [0.7, -0.4], [1.5, -2.0]
    step = EPS ** (1 / 3)
    dx, _ = layer.backward(x, layer.forward(x), da)
    for i in range(2):
        sides = [layer.forward([x_k + sign * step * (k == i) for k, x_k in enumerate(x)]) for sign in (1, -1)]
        above, below = (sum(da_j * a_j for da_j, a_j in zip(da, side, strict=True)) for side in sides)
        assert dx[i] == pytest.approx((above - below) / (2 * step), abs=100 * step**2)


def test_an_epoch_is_one_step_with_the_summed_gradient() -> None:
    network = Network([Layer([[0.3, -1.2], [0.9, 0.4]], [0.1, 0.2], "tanh"), Layer([[0.7], [-0.5]], [0.3])])
    by_hand = copy.deepcopy(network)
    by_row = [by_hand.backward(by_hand.forward(row), y) for row, y in zip(XOR_ROWS, XOR_TARGETS, strict=True)]
    loss = sum(half_squared_error(by_hand.forward(row)[-1], y) for row, y in zip(XOR_ROWS, XOR_TARGETS, strict=True))
    assert network.train_epoch(XOR_ROWS, XOR_TARGETS, learning_rate=0.5) == loss
    for number, layer in enumerate(by_hand.layers):
        layer.update([summed([row[number][j] for row in by_row]) for j in range(len(layer.neurons))], 0.5)
        assert table(layer) == table(network.layers[number])
        assert biases(layer) == biases(network.layers[number])


def test_forward_and_backward_leave_no_state_behind() -> None:
    network = Network.with_random_weights([2, 3, 1], random.Random(0))
    before = repr(described(network))
    values = network.forward([1, 0])
    first = network.backward(values, [1])
    network.forward([0, 1])  # another row in between changes nothing
    assert network.backward(values, [1]) == first
    assert repr(described(network)) == before


def test_the_same_seed_draws_the_same_weights() -> None:
    first, second, other = (Network.with_random_weights([4, 5, 2], random.Random(seed)) for seed in (7, 7, 8))
    assert [table(layer) for layer in first.layers] == [table(layer) for layer in second.layers]
    assert [table(layer) for layer in first.layers] != [table(layer) for layer in other.layers]
    assert np.shape(table(first.layers[0])) == (4, 5)
    assert biases(first.layers[0]) == [[0.0] * 5]
    many = np.array(table(Network.with_random_weights([100, 100], random.Random(0)).layers[0]))
    assert abs(many.mean()) < 5 / math.sqrt(many.size)  # five standard errors
    assert abs(many.std() - 1) < 5 / math.sqrt(2 * many.size)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
@pytest.mark.parametrize("z", [-3.0, -0.5, 0.25, 2.0])
def test_activation_derivative_is_written_with_the_output(name: str, z: float) -> None:
    value, derivative = ACTIVATIONS[name]
    step = EPS ** (1 / 3)
    difference = (value(z + step) - value(z - step)) / (2 * step)
    assert derivative(value(z)) == pytest.approx(difference, abs=10 * step**2)


def test_activations_far_out_and_at_nan() -> None:
    assert (sigmoid(-1000.0), sigmoid(0.0), sigmoid(1000.0)) == (0.0, 0.5, 1.0)
    assert sigmoid(-700.0) == pytest.approx(math.exp(-700.0), rel=4 * EPS)
    for value, _ in ACTIVATIONS.values():
        assert math.isnan(value(math.nan))


def test_a_neuron_by_hand() -> None:
    neuron = Neuron([0.5, -2.0], bias=1.0, activation="identity")
    assert neuron.forward([4.0, 1.0]) == 1.0
    assert neuron.backward([4.0, 1.0], 1.0, da=3.0) == ([1.5, -6.0], NeuronGradient([12.0, 3.0], 3.0))
    neuron.update(NeuronGradient([1.0, 2.0], 3.0), learning_rate=0.5)
    assert (neuron.weights, neuron.bias) == ([0.0, -3.0], -0.5)


@pytest.mark.parametrize("sizes", [[2], [2, 0]])
def test_sizes_that_do_not_fit_are_refused(sizes: list[int]) -> None:
    with pytest.raises(OptionError, match="it expects two or more numbers from 1"):
        Network.with_random_weights(sizes, random.Random(0))


def test_an_unknown_activation_is_refused() -> None:
    with pytest.raises(OptionError, match=r"activation got 'sigmoyd'.*did you mean 'sigmoid'"):
        Layer([[1.0]], activation="sigmoyd")


@pytest.mark.parametrize(
    ("weights", "biases", "message"),
    [
        ([[1.0], [1.0, 2.0]], None, "a row of weights got 2 neurons; it expects 1"),
        ([[1.0], [1.0]], [0.0, 0.0], "biases got 2 neurons; it expects 1"),
    ],
)
def test_weights_that_do_not_fit_are_refused(weights: Any, biases: Any, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        Layer(weights, biases)


def test_rows_that_do_not_fit_are_refused() -> None:
    network = Network.with_random_weights([2, 1], random.Random(0))
    with pytest.raises(ShapeError, match="x got 3 inputs; it expects 2"):
        network.forward([1.0, 2.0, 3.0])
    with pytest.raises(ShapeError, match="a target got 2 outputs; it expects 1"):
        network.backward(network.forward([1.0, 2.0]), [0.0, 1.0])
    with pytest.raises(ShapeError, match="targets got 1 rows; it expects 4"):
        network.train_epoch(XOR_ROWS, [[1]], 0.1)
    with pytest.raises(ShapeError, match="no rows"):
        network.train_epoch([], [], 0.1)
    unfitting = Network([Layer([[1.0, 1.0]]), Layer([[1.0]])])
    with pytest.raises(ShapeError, match="x got 2 inputs; it expects 1"):
        unfitting.forward([1.0])
