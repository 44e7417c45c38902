"""The two tutorials that the project began with: their numbers, from `golden/make_seed_goldens.py`, by training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid.activations import Sigmoid
from pellucid.layers import Dense
from pellucid.losses import SquaredError
from pellucid.network import Network
from pellucid.optimizers import SGD
from pellucid.training import History, train

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent / "golden" / "seed_goldens.json").read_text())
XOR = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
EXCLUSIVE_OR = np.array([[0], [1], [1], [0]])
TOLERANCE = 1e-9  # 10,000 steps, each rounding by about 1e-15, in a valley that forgets some of it


def tutorial_rule(network: Network, X: Any, y: Any, learning_rate: float) -> History:
    """Train as both tutorials do: whole table, half the summed squared error, 10,000 epochs."""
    loss, optimizer = SquaredError(reduction="half_sum"), SGD(learning_rate=learning_rate)
    return train(network, X, y, loss=loss, optimizer=optimizer, epochs=10_000)


def xor_network(seed: int) -> Network:
    """Return the second tutorial's network as its random numbers start it."""
    rng = np.random.RandomState(seed)
    first, second = rng.randn(2, 3), rng.randn(3, 1)
    layers = [Dense(3, weight_initializer=first), Sigmoid(), Dense(1, weight_initializer=second), Sigmoid()]
    return Network(layers, n_inputs=2)


def test_the_first_tutorial() -> None:
    golden = GOLDEN["single_layer"]
    X = np.array([[0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]])
    dense = Dense(1, bias=False, weight_initializer=golden["initial_weights"])
    network = Network([dense, Sigmoid()], n_inputs=3)
    history = tutorial_rule(network, X, np.array([0, 1, 1, 0]), learning_rate=1.0)
    np.testing.assert_allclose(network.named_parameters["0.weight"], golden["final_weights"], rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(network.predict(X), golden["outputs"], rtol=0, atol=TOLERANCE)
    errors = np.array(golden["outputs_before_last_update"]) - [[0], [1], [1], [0]]
    assert history["loss"][-1] == pytest.approx((errors**2).sum() / 2, abs=TOLERANCE)


@pytest.mark.parametrize("seed", GOLDEN["xor"])
def test_the_second_tutorial(seed: str) -> None:
    golden = GOLDEN["xor"][seed]
    network = xor_network(int(seed))
    tutorial_rule(network, XOR, EXCLUSIVE_OR, learning_rate=0.1)
    for name, key in {"0.weight": "W1", "0.bias": "b1", "2.weight": "W2", "2.bias": "b2"}.items():
        values = np.reshape(golden[key], network.named_parameters[name].shape)
        np.testing.assert_allclose(network.named_parameters[name], values, rtol=0, atol=TOLERANCE)
    outputs = network.predict(XOR)
    np.testing.assert_allclose(outputs, golden["outputs"], rtol=0, atol=TOLERANCE)
    assert np.square(outputs - EXCLUSIVE_OR).mean() == pytest.approx(golden["mean_squared_error"], abs=TOLERANCE)


@pytest.mark.slow
def test_99_of_100_starts_solve_it_and_start_74_does_not() -> None:
    networks = [xor_network(seed) for seed in range(100)]
    for network in networks:
        tutorial_rule(network, XOR, EXCLUSIVE_OR, learning_rate=0.1)
    outputs = [network.predict(XOR) for network in networks]
    unsolved = [seed for seed, found in enumerate(outputs) if not ((found > 0.5) == EXCLUSIVE_OR).all()]
    assert unsolved == GOLDEN["xor_unsolved_seeds"] == [74]
    assert 100 - len(unsolved) == GOLDEN["xor_solved_of_100"]
    errors = [float(np.square(found - EXCLUSIVE_OR).mean()) for found in outputs]
    assert np.median(errors) == pytest.approx(GOLDEN["xor_median_mse"], abs=TOLERANCE)
