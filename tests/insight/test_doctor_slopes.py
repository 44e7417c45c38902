"""The doctor on gradients: they vanish through many sigmoids and explode through large weights; fewer are well."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid import Dense, Network, SquaredError, diagnose
from pellucid.random import Random

X = Random(1).normal((40, 6))
Y = Random(2).normal((40,))


def chain(depth: int, function: str, start: str = "glorot", factor: float = 1.0) -> Network:
    hidden = [part for _ in range(depth) for part in (Dense(12, weight_initializer=start), function)]
    network = Network([*hidden, Dense(1)], n_inputs=6, rng=3)
    for name, view in network.named_parameters.items():
        view[...] *= factor if name.endswith("weight") else 1
    return network


def test_gradients_that_vanish_are_found_with_their_lengths() -> None:
    network = chain(8, "sigmoid")
    (finding,) = diagnose(network, X, Y, loss="squared_error")["vanishing gradients"]
    lengths = finding.figures["length_by_layer"]
    assert finding.layer == "0"
    assert list(lengths) == [str(index) for index in range(0, 17, 2)]
    network.loss_and_gradient(X, Y, SquaredError())
    # the length at layer 0 is that of dLoss/dz, whose product with X is the gradient of the weights
    assert np.linalg.norm(network.named_gradients["0.weight"]) <= lengths["0"] * np.linalg.norm(X, 2) * 1.0001
    assert finding.figures["ratio"] == pytest.approx(lengths["0"] / lengths["16"])
    assert finding.figures["ratio"] < 1e-3
    assert "'he'" in finding.mend
    assert "ReLU()" in finding.mend or "relu" in finding.mend


@pytest.mark.parametrize(
    ("depth", "function", "start"), [(2, "sigmoid", "glorot"), (8, "relu", "he"), (8, "tanh", "glorot")]
)
def test_sound_depths_are_no_finding(depth: int, function: str, start: str) -> None:
    report = diagnose(chain(depth, function, start), X, Y, loss="squared_error")
    assert not report["vanishing gradients"]
    assert not report["exploding gradients"]


def test_gradients_that_explode_are_found() -> None:
    (finding,) = diagnose(chain(6, "relu", "he", factor=5.0), X, Y, loss="squared_error")["exploding gradients"]
    assert finding.layer == "0"
    assert finding.figures["ratio"] > 1e3


def test_weights_twice_as_large_are_nearly_there() -> None:
    assert not diagnose(chain(4, "relu", "he", factor=2.0), X, Y, loss="squared_error")["exploding gradients"]


def test_the_mend_keeps_the_gradient() -> None:
    (finding,) = diagnose(chain(5, "sigmoid", factor=0.3), X, Y, loss="squared_error")["vanishing gradients"]
    hidden = [part for _ in range(5) for part in (Dense(12, weight_initializer="he"), "relu")]
    assert "Dense(12, weight_initializer='he')" in finding.mend
    assert not diagnose(Network([*hidden, Dense(1)], n_inputs=6), X, Y, loss="squared_error")["vanishing gradients"]
