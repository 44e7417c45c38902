"""The rules that scikit-learn and SciPy also have, beside theirs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer

from pellucid.layers import Dense
from pellucid.losses import BinaryCrossEntropy, Penalty
from pellucid.network import Network
from pellucid.optimizers import LBFGS, SGD, Adam
from pellucid.random import Random
from pellucid.training import train
from tests.tolerances import trajectory

N_STEPS = 40


def slope(p: Any) -> Any:
    """The slope of a wavy function of 5 numbers that pull on each other."""
    return np.sin(3 * p) + p - 0.5 * np.roll(p, 1)


PEERS = {
    "adam": (
        Adam(learning_rate=0.03, beta1=0.8, beta2=0.95, epsilon=1e-4, correction="rate"),
        lambda p: AdamOptimizer([p], learning_rate_init=0.03, beta_1=0.8, beta_2=0.95, epsilon=1e-4),
    ),
    **{
        f"sgd, nesterov={nesterov}": (
            SGD(learning_rate=0.05, momentum=0.85, nesterov=nesterov, rate="inside"),
            lambda p, nesterov=nesterov: SGDOptimizer([p], learning_rate_init=0.05, momentum=0.85, nesterov=nesterov),
        )
        for nesterov in (False, True)
    },
}


@pytest.mark.parametrize("name", PEERS)
def test_same_steps_as_scikit_learn(name: str) -> None:
    optimizer, peer_of = PEERS[name]
    ours, theirs = Random(1).normal(5), Random(1).normal(5)
    state, peer = optimizer.start(ours), peer_of(theirs)
    for step in range(1, N_STEPS + 1):
        optimizer.step(ours, slope(ours), state)
        peer.update_params([theirs], [slope(theirs)])
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=trajectory(step, 5))


def logistic_regression() -> tuple[Network, Any, Any, Penalty]:
    X = Random(2).normal((60, 4)) * np.array([1.0, 10.0, 0.1, 1.0])  # columns of unlike scale: a long valley
    y = (X[:, 0] + 0.1 * X[:, 1] + Random(3).normal(60) > 0).astype(float)
    return Network([Dense(1)], n_inputs=4), X, y, Penalty(l2=0.01)


def test_lbfgs_finds_the_minimum_that_scipy_finds() -> None:
    network, X, y, penalty = logistic_regression()
    start = network.parameters.copy()

    def objective(p: Any) -> tuple[float, Any]:
        network.parameters[...] = p
        value, gradient = network.loss_and_gradient(X, y, BinaryCrossEntropy(), penalty=penalty)
        return value, gradient.copy()

    found = minimize(objective, start, jac=True, method="L-BFGS-B", options={"ftol": 1e-15, "gtol": 1e-10})
    network.parameters[...] = start
    history = train(network, X, y, loss=BinaryCrossEntropy(), optimizer=LBFGS(), epochs=60, penalty=penalty)
    value, gradient = objective(network.parameters.copy())
    assert np.abs(gradient).max() < 1e-7
    # where the slope is s, the loss is above its minimum by at most s² / (2 curvature), and the penalty's is 0.01
    assert value == pytest.approx(found.fun, abs=1e-11)
    np.testing.assert_allclose(network.parameters[:4], found.x[:4], rtol=0, atol=1e-4)
    assert (np.diff(history["loss"]) <= 0).all()


def lbfgs_on(function: Any, start: list[float], n_steps: int, **options: Any) -> tuple[Any, list[float]]:
    """Walk down ``function``, which returns value and slope, and return the last point and every value."""
    p = np.array(start)
    gradients, values = np.zeros_like(p), []
    optimizer = LBFGS(**options)
    state = optimizer.start(p)

    def objective() -> float:
        value, gradients[...] = function(p)
        return float(value)

    for _ in range(n_steps):
        values.append(function(p)[0])
        optimizer.step(p, gradients, state, {}, objective)
    assert values == sorted(values, reverse=True)
    return p, values


def rosenbrock(p: Any) -> tuple[float, Any]:
    x, y = p
    slopes = [-400 * x * (y - x * x) - 2 * (1 - x), 200 * (y - x * x)]
    return 100 * (y - x * x) ** 2 + (1 - x) ** 2, np.array(slopes)


def test_lbfgs_walks_through_a_curved_valley_and_never_uphill() -> None:
    p, values = lbfgs_on(rosenbrock, [-1.2, 1.0], 60)
    assert values[-1] < 1e-15
    np.testing.assert_allclose(p, [1.0, 1.0], atol=1e-7)


def test_lbfgs_stays_where_it_is_flat() -> None:
    p, values = lbfgs_on(lambda p: (3.0, np.zeros(2)), [1.0, 2.0], 5)
    assert p.tolist() == [1.0, 2.0]
    assert values == [3.0] * 5


def test_lbfgs_turns_back_from_where_there_is_no_number() -> None:
    def wall(p: Any) -> tuple[float, Any]:
        """-log(1 - x) + 10 (x - 2)²: only defined for x < 1, while the parabola pulls beyond."""
        x = float(p[0])
        if x >= 1:
            return np.nan, np.array([np.nan])
        return -np.log(1 - x) + 10 * (x - 2) ** 2, np.array([1 / (1 - x) + 20 * (x - 2)])

    p, values = lbfgs_on(wall, [-3.0], 30, learning_rate=10.0)
    root = (3 - np.sqrt(1.2)) / 2  # 1 / (1 - x) = 20 (2 - x), or x² - 3 x + 1.95 = 0
    assert np.isfinite(values).all()
    assert p[0] == pytest.approx(root, abs=1e-6)


def test_lbfgs_that_starts_without_a_number_leaves_the_parameters() -> None:
    p = np.array([1.0, 2.0])
    gradients = np.zeros(2)
    optimizer = LBFGS()

    def objective() -> float:
        gradients[...] = np.nan
        return np.nan

    optimizer.step(p, gradients, optimizer.start(p), {}, objective)
    assert p.tolist() == [1.0, 2.0]
